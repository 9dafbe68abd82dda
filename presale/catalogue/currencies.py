"""The currencies that tickets are priced in, and how many decimal places each has: ISO 4217's own table.

The contract, the API, the pages and the cashier all read this one. Codes without minor units (metals, test codes,
`XXX`) are no money that anybody pays with, and neither are funds (`FUNDS`). A code that is not in the table (of an old
row, or withdrawn since) is shown with two places.
"""

from collections.abc import Mapping
from typing import Final

from iso4217 import Currency

USUAL_DIGITS: Final = 2

DIGITS: Final[Mapping[str, int]] = {each.code: each.exponent for each in Currency if each.exponent is not None}
"""Decimal places by code, of every currency that has minor units or is paid in whole ones."""

FUNDS: Final = frozenset({"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"})
"""Units of account that ISO 4217 lists beside the money of their countries: funds, and UYW, a wage index."""


def is_currency(code: str) -> bool:
    """Whether prices can be in it."""
    return code in DIGITS and code not in FUNDS


def digits_of(code: str) -> int:
    """How many decimal places an amount in this currency is shown with."""
    return DIGITS.get(code, USUAL_DIGITS)


def figure(amount_minor: int, code: str) -> str:
    """An amount as people read it, without its currency: `12,345.600` for 12345600 of three places."""
    digits = digits_of(code)
    whole, part = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole:,}.{part:0{digits}d}" if digits else f"{sign}{whole:,}"


def spoken(amount_minor: int, code: str) -> str:
    """An amount in a sentence: `128.00 CNY`."""
    return f"{figure(amount_minor, code)} {code}"
