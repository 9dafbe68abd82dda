"""Every setting as a page to read: docs/settings.md, generated from the settings themselves."""

from collections.abc import Iterable, Sequence

from gateway.reference import bounds
from gateway.reference.markdown import NOTICE, code, table
from gateway.setup.described import described

_INTRODUCTION = """\
# Settings

Read from the environment. A list is comma separated or JSON. No secret has a default in production: `liveroom serve`
says in one sentence what it misses. Demo mode fills in what it needs: secrets that are named as such and refused in
production, every origin allowed, the address of its sandbox provider, a drain of one second, logs for people; and it
lifts the limits per address."""


_BOUNDS = """\
## What is limited

Per what, how much by default, and what an app sees beyond it. Limits per user hold over all gateways, but for one burst
at each of them within the time that news take. What each code asks of an app: [embedding.md](embedding.md)."""


def configuration() -> str:
    """The whole page. It does not depend on the environment that it is made in."""
    settings = table(("setting", "unit", "default", "meaning"), _rows())
    limits = table(("what", "per", "at most, by default", "beyond it"), bounds.rows())
    return f"{NOTICE}\n\n{_INTRODUCTION}\n\n{settings}\n\n{_BOUNDS}\n\n{limits}" + "\n"


def _rows() -> Iterable[Sequence[str]]:
    for setting in described({}):
        yield code(setting.name), setting.unit, code(setting.default) if setting.default else "", setting.meaning
