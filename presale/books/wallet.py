"""What a user can spend on gifts."""

from msgspec import Struct


class Wallet(Struct, frozen=True):
    """Gift credits of a user in a show; the version grows with every booking."""

    credits: int = 0
    version: int = 0
