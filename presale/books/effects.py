"""What a decision wants done in the books."""

from msgspec import Struct

from auth.identity import UserId
from presale.books.ledger import Posting


class Post(Struct, frozen=True):
    """A business fact is booked."""

    posting: Posting


class AnnounceWallet(Struct, frozen=True):
    """A user is told their credits, as they are booked by then."""

    user: UserId


class AnnounceRevenue(Struct, frozen=True):
    """The console is told what came in, as it is booked by then."""
