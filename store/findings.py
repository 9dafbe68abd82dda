"""The result of an audit."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One claim that the audit found false."""

    check: str
    subject: str
    detail: str
