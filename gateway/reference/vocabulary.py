"""The vocabulary of the contract: every struct and enum that an event carries, with their docstrings."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from itertools import pairwise

from msgspec import Struct

from gateway.contract.link import ErrorBody
from gateway.reference.listing import CONSOLE_COMMANDS, SERVER_EVENTS, VIEWER_COMMANDS


def structs() -> list[type[Struct]]:
    """Every struct of the contract, by name."""
    return [kind for _, kind in sorted(_named().items()) if issubclass(kind, Struct)]


def enums() -> list[type[StrEnum]]:
    """Every enum of the contract, by name."""
    return [kind for _, kind in sorted(_named().items()) if issubclass(kind, StrEnum)]


def tag_of(kind: type[Struct]) -> tuple[str, str] | None:
    """The field and the value by which a struct of a union is told from the others."""
    config = kind.__struct_config__
    return (config.tag_field, str(config.tag)) if config.tag_field is not None else None


def promise(kind: type) -> str:
    """The docstring of a struct or an enum, as paragraphs of one line each."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n"))


@cache
def part_promises(kind: type) -> dict[str, str]:
    """The strings that stand below the fields of a struct or the members of an enum, by their names."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # made of another one, with fields of features
        return part_promises(kind.__base__) if kind.__base__ is not None else {}
    body = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(body, ast.ClassDef)
    return dict(_documented(body.body))


def _documented(statements: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, after in pairwise(statements):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                pass
            case _:
                continue
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())


@cache
def _named() -> dict[str, type]:
    found: dict[str, type] = {}

    def visit(hint: object) -> None:
        """Collect what the hint is made of, however deep."""
        for part in typing.get_args(hint):
            visit(part)
        if isinstance(hint, type) and issubclass(hint, StrEnum | Struct) and hint.__name__ not in found:
            found[hint.__name__] = hint
            if issubclass(hint, Struct):
                for field_hint in typing.get_type_hints(hint).values():
                    visit(field_hint)

    visit(ErrorBody)
    for event in SERVER_EVENTS:
        visit(event.payload)
    for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS):
        visit(command.payload)
        visit(command.ack)
    return found
