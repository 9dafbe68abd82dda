"""What all bodies of the HTTP API share: no string becomes a number, no 1 becomes true, unknown fields are ignored.

Money is an integer of minor units beside a currency code, times are integer milliseconds since the epoch.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from auth import text
from presale.catalogue.currencies import is_currency

MAX_MINOR = 10**12
MAX_CAPACITY = 10_000_000
MAX_MILLIS = 2**53
MAX_TITLE_GRAPHEMES = 120
MAX_REASON_GRAPHEMES = 500


def _within(max_graphemes: int) -> AfterValidator:
    """A text cleaned as every text is, with something left of it."""

    def check(written: str) -> str:
        cleaned = text.clean(written)
        if not cleaned or not text.fits(cleaned, max_graphemes):
            raise ValueError(f"1 to {max_graphemes} graphemes of at most {text.MAX_GRAPHEME_BYTES} bytes")
        return cleaned

    return AfterValidator(check)


Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=2880), _within(MAX_TITLE_GRAPHEMES)]
Minor = Annotated[int, Field(ge=0, le=MAX_MINOR)]
Millis = Annotated[int, Field(ge=0, le=MAX_MILLIS)]


def _known_currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError("no currency of ISO 4217 that tickets can be priced in")
    return code


CurrencyCode = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), AfterValidator(_known_currency)]


def _not_null(value: int | None) -> int:
    if value is None:
        raise ValueError("may be left out, and is not null")
    return value


class Shape(BaseModel):
    """A body: strict, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class ErrorDetail(BaseModel):
    """Why not. Further fields depend on the code: `field`, `product`, `offer`; with ALREADY_HELD those of an order."""

    model_config = ConfigDict(extra="allow")

    code: str
    retryable: bool
    retry_after_ms: int | None = None


class ErrorBody(BaseModel):
    """The body of every refusal."""

    error: ErrorDetail
