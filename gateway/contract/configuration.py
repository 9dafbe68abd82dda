"""Every setting as a page to read: docs/settings.md, generated from the settings themselves."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.contract.markdown import NOTICE, code, table
from gateway.settings import Settings

_INTRODUCTION = """\
# Settings

Read from the environment. A list is comma separated or JSON. No secret has a default in production: `liveroom serve`
says in one sentence what it misses. Demo mode fills in what it needs: secrets that are named as such and refused in
production, every origin allowed, the address of its sandbox provider, a drain of one second, logs for people; and it
lifts the limits per address."""

ROOT = Path(__file__).parents[2]


def configuration() -> str:
    """The whole page. It does not depend on the environment that it is made in."""
    return "\n\n".join((NOTICE, _INTRODUCTION, table(("setting", "default", "meaning"), _rows()))) + "\n"


def _rows() -> Iterable[Sequence[str]]:
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        yield code(f"LIVEROOM_{name.upper()}"), _shown(default), field.description or ""


def _shown(value: object) -> str:
    if isinstance(value, Path):
        return code(value.relative_to(ROOT) if value.is_relative_to(ROOT) else value)
    return "" if value in (None, "", []) else code(value)
