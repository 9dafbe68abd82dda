"""What a decision wants done about a refund."""

from msgspec import Struct

from presale.refunds.refunds import Refund


class Open(Struct, frozen=True):
    """A new refund is written."""

    refund: Refund


class Settle(Struct, frozen=True):
    """An open refund becomes final as it is here."""

    refund: Refund
