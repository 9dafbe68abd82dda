"""Which tokens were taken back before their time: one by its `jti`, or all of a user until a moment. Pure.

A revocation can be lifted: what it named is taken again, and the sockets that it ended are not brought back.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from auth.identity import Identity
from auth.tokens import MAX_LEEWAY_SECONDS, MAX_LIFETIME_SECONDS

MARGIN_SECONDS: Final = 60
LONGEST_MS: Final = (MAX_LIFETIME_SECONDS + 2 * MAX_LEEWAY_SECONDS + MARGIN_SECONDS) * 1000
"""So long after a revocation no token that it means is taken any more: its own time is over. Both ends of a token's
life may be late by the leeway for clocks."""

LIFTED: Final = 0
"""Instead of a moment, in a revocation that does not hold any more."""

SECOND_MS: Final = 1000
"""`iat` of most libraries is no finer."""
CLOCKS_APART_MS: Final = 100
"""How far the clock of a platform may be behind ours for a token that it mints upon a revocation to be taken."""


class Kind(StrEnum):
    """What a revocation names."""

    JTI = "jti"
    """One token, by its `jti`: and every other with the same one."""
    USER = "user"
    """All tokens of a `sub` with `iat` until a moment."""


class Revocation(Struct, frozen=True):
    """Tokens that are refused, until no such token could be valid any more."""

    kind: Kind
    subject: str
    """The `jti`, or the `sub`."""
    until_ms: int
    """Tokens of a user that were issued until then are refused; later ones are not. Of a `jti`: when it was revoked.

    `LIFTED`: they are taken again.
    """
    ends_ms: int
    """From then on it is of no use."""
    version: int
    """Rises with every revocation, of whatever kind, in the order of commits."""

    @property
    def settled_ms(self) -> int:
        """From when a token that is minted anew is none of those that are refused; of a `jti` at once.

        A token of the same second may have been minted before or after the revocation, and is refused. So whoever would
        fetch a new one is told when that second is over.
        """
        if self.kind is Kind.JTI or self.until_ms == LIFTED:
            return 0
        return (self.until_ms // SECOND_MS + 1) * SECOND_MS + CLOCKS_APART_MS


class Revocations:
    """Those that are known. Asked at every use of a token: two dictionaries, most of the time empty."""

    def __init__(self) -> None:
        self._tokens: dict[str, Revocation] = {}
        self._users: dict[str, Revocation] = {}
        self.version = 0
        """Of the newest that was taken in."""
        self.settled_ms = 0
        """From when a new token is none of those that are refused, whoever's it is."""

    def __len__(self) -> int:
        return len(self._tokens) + len(self._users)

    def take(self, news: Iterable[Revocation]) -> None:
        """Take in what was revoked, or lifted, since."""
        for one in news:
            known = self._tokens if one.kind is Kind.JTI else self._users
            if one.until_ms == LIFTED:
                known.pop(one.subject, None)
            else:
                known[one.subject] = one
            self.version = max(self.version, one.version)
            self.settled_ms = max(self.settled_ms, one.settled_ms)

    def refuses(self, identity: Identity) -> bool:
        """Whether the token behind an identity was taken back."""
        return self.refused_by(identity) is not None

    def refused_by(self, identity: Identity) -> Revocation | None:
        """What took the token behind an identity back, if anything did."""
        one = self._tokens.get(identity.token_id)
        if one is not None:
            return one
        user = self._users.get(identity.user)
        return user if user is not None and identity.issued_ms <= user.until_ms else None

    def forget(self, now_ms: int) -> None:
        """Let go of those that are of no use any more."""
        for known in (self._tokens, self._users):
            for subject in [subject for subject, one in known.items() if one.ends_ms <= now_ms]:
                del known[subject]
