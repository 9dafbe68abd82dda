"""What an audit says about one claim."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One claim that does not hold."""

    check: str
    subject: str
    detail: str
