"""Describes the settings for people: for `liveroom settings` and docs/settings.md."""

import re
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from msgspec import Struct
from pydantic_core import PydanticUndefined

from gateway.setup.settings import Settings

ROOT = Path(__file__).parents[2]

_SECRET = re.compile(r"secret|database_url|redis_url")
_UNITS = {
    "_per_second": "per second",
    "_per_minute": "per minute",
    "_seconds": "seconds",
    "_ms": "milliseconds",
    "_bytes": "bytes",
    "port": "port",
    "_url": "URL",
    "_dir": "folder",
    "_file": "file",
}


class Setting(Struct, frozen=True):
    """A setting as it is printed."""

    name: str
    unit: str
    default: str
    value: str
    """The value from the environment; empty where it is not set."""
    meaning: str


def described(environment: Mapping[str, str]) -> list[Setting]:
    """Every setting, in the order of the source. For secrets, only whether they are set."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"LIVEROOM_{name.upper()}"
        value = environment.get(variable, "")
        rows.append(
            Setting(
                variable,
                unit_of(name, field.annotation),
                _shown(field.get_default(call_default_factory=True, validated_data={})),
                "(set)" if value and _SECRET.search(name) else value,
                field.description or "",
            )
        )
    return rows


def unit_of(name: str, annotation: object) -> str:
    """The unit of a setting, from its name or type."""
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return unit
    parts = [annotation, *typing.get_args(annotation)]
    if any(isinstance(part, type) and issubclass(part, StrEnum) for part in parts):
        kinds = [part for part in parts if isinstance(part, type) and issubclass(part, StrEnum)]
        return " | ".join(kinds[0])
    if typing.get_origin(annotation) is list:
        return "list"
    if annotation is int:
        return "count"
    return "text" if annotation is str or isinstance(annotation, types.UnionType) else ""


def _shown(default: object) -> str:
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        return str(default.relative_to(ROOT))
    return "" if default in (PydanticUndefined, None, "", []) else str(default)
