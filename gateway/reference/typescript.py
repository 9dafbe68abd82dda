"""TypeScript types of the contract, generated from the registry: web-demo/src/contract.gen.ts."""

import types
import typing
from collections.abc import Iterable
from enum import StrEnum

import msgspec
from msgspec import Struct

from auth.denials import RETRYABLE, Code
from auth.situation import Phase
from gateway.contract.rows import CONTRACT_VERSION
from gateway.features.registry import WELCOME
from gateway.features.welcome import You
from gateway.reference import vocabulary
from gateway.reference.listing import CONSOLE_COMMANDS, SERVER_EVENTS, SHARED_COMMANDS, VIEWER_COMMANDS
from gateway.replica.feature import AnyCommand
from presale.catalogue.currencies import DIGITS, USUAL_DIGITS
from rooms.course.phases import TRANSITIONS


def typescript() -> str:
    """The whole module as text."""
    parts = [
        "// Generated from gateway/contract by `make contract`. Do not edit.",
        f'export const CONTRACT_VERSION = "{CONTRACT_VERSION}";',
        *(_enum(kind) for kind in vocabulary.enums()),
        f"export type Code = {_union(code.value for code in Code)};",
        f"export const RETRYABLE: ReadonlySet<string> = new Set({_list(sorted(RETRYABLE))});",
        _currency_digits(),
        _phase_transitions(),
        *(_interface(kind) for kind in vocabulary.structs()),
        _server_events(),
        _event_classes(),
        _event_keys(),
        _commands("ViewerCommands", VIEWER_COMMANDS),
        _commands("ConsoleCommands", (*CONSOLE_COMMANDS, *(c for c in VIEWER_COMMANDS if c.name in SHARED_COMMANDS))),
    ]
    return "\n\n".join(parts) + "\n"


def _currency_digits() -> str:
    unusual = {code: digits for code, digits in DIGITS.items() if digits != USUAL_DIGITS}
    return (
        f"/** Decimal places of the currencies of ISO 4217 that do not have {USUAL_DIGITS}; browsers know others. */\n"
        "export const CURRENCY_DIGITS: Readonly<Record<string, number>> = { "
        + ", ".join(f"{code}: {digits}" for code, digits in sorted(unusual.items()))
        + " };"
    )


def _phase_transitions() -> str:
    doc = "/** The lawful ways from phase to phase, for buttons only: the server decides. */"
    lines = [f'  "{phase}": {_list(target for target in Phase if target in TRANSITIONS[phase])},' for phase in Phase]
    return "\n".join(
        [doc, "export const PHASE_TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {", *lines, "};"]
    )


def _enum(kind: type[StrEnum]) -> str:
    return f"export type {kind.__name__} = {_union(member.value for member in kind)};"


def _interface(kind: type[Struct]) -> str:
    tag = vocabulary.tag_of(kind)
    lines = [f'  {tag[0]}: "{tag[1]}";'] if tag else []
    hints = typing.get_type_hints(kind, include_extras=True)
    from_client = kind in {command.payload for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)}
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        omitted = kind.__struct_config__.omit_defaults and not field.required
        optional = "?" if omitted or _may_be_unset(hint) or (from_client and not field.required) else ""
        lines.append(f"  {field.name}{optional}: {_type(hint)};")
    doc = (kind.__doc__ or "").strip().split("\n")[0]
    return "\n".join([f"/** {doc} */", f"export interface {kind.__name__} {{", *lines, "}"])


def _may_be_unset(hint: object) -> bool:
    return any(part is msgspec.UnsetType for part in typing.get_args(hint))


def _type(hint: object) -> str:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _type(args[0])
    if origin is typing.Literal:
        return _union(args)
    if origin in (typing.Union, types.UnionType):
        parts = [_type(part) for part in args if part is not msgspec.UnsetType]
        return " | ".join(dict.fromkeys(parts))
    if origin is list or origin is tuple:
        inner = _type(args[0])
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<{_type(args[0])}, {_type(args[1])}>"
    if hint is type(None):
        return "null"
    plain = {str: "string", int: "number", float: "number", bool: "boolean"}
    if isinstance(hint, typing.NewType):
        return _type(hint.__supertype__)
    if isinstance(hint, type):
        return plain.get(hint, hint.__name__)
    raise TypeError(f"no TypeScript for {hint!r}")


def _server_events() -> str:
    lines = [f'  "{event.name}": {event.payload.__name__};' for event in SERVER_EVENTS]
    return "\n".join(["export interface ServerEvents {", *lines, "}"])


def _event_classes() -> str:
    doc = "/** How each event is delivered, and so what a client does with it. */"
    lines = [f'  "{event.name}": "{event.kind}",' for event in SERVER_EVENTS]
    return "\n".join([doc, "export const EVENT_CLASSES = {", *lines, "} as const;"])


def _event_keys() -> str:
    hints = [*typing.get_type_hints(WELCOME.payload).values(), *typing.get_type_hints(You).values()]
    listed = {part for hint in hints if typing.get_origin(hint) is list for part in typing.get_args(hint)}
    many = [event for event in SERVER_EVENTS if event.payload in listed]
    doc = "/** Events that tell one of many values, and the field that tells them apart. `welcome` lists all. */"
    lines = [f'  "{event.name}": "{_key(event.name, event.payload)}",' for event in many]
    return "\n".join([doc, "export const EVENT_KEYS = {", *lines, "} as const;"])


def _key(name: str, payload: type[Struct]) -> str:
    return "id" if "id" in payload.__struct_fields__ else name


def _commands(name: str, commands: Iterable[AnyCommand]) -> str:
    lines = [f'  "{c.name}": {{ payload: {c.payload.__name__}; ack: {c.ack.__name__} }};' for c in commands]
    return "\n".join([f"export interface {name} {{", *lines, "}"])


def _union(values: Iterable[str]) -> str:
    return " | ".join(f'"{value}"' for value in values)


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
