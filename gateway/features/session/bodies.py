"""What is said over HTTP of tokens that are taken back."""

from pydantic import Field

from gateway.api.shapes import Shape


class RevocationBody(Shape):
    """Which tokens to take back: all issued to `user` until now, or the one with the `jti` that `token_id` names."""

    user: str | None = Field(default=None, min_length=1, max_length=64)
    token_id: str | None = Field(default=None, min_length=1, max_length=128)


class RevocationMade(Shape):
    """Tokens refused from now on; of a user those with `iat` until `issued_until_ms`. None would outlive `ends_ms`."""

    user: str | None
    token_id: str | None
    issued_until_ms: int
    ends_ms: int


class StandingRevocation(Shape):
    """A revocation that holds: of a user their tokens with `iat` until `issued_until_ms`, or those with one `jti`."""

    user: str | None
    token_id: str | None
    issued_until_ms: int
    ends_ms: int
    by: str
    """Who made it."""


class RevocationList(Shape):
    """Revocations that hold, the newest first."""

    revocations: list[StandingRevocation]
    next_before: int | None
    """For `before`, to read on; null: there are no more."""
