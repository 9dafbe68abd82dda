"""All that the box office announces on a show's room.

Every event carries the whole new value and its version, so that the latest wins.
"""

import msgspec

from presale.books.events import RevenueChanged, WalletChanged
from presale.catalogue.events import SalesChanged
from presale.entitlements.events import EntitlementChanged
from presale.orders.events import OrderChanged
from presale.refunds.events import MoneyReturning, RefundFailed, RefundsOpened

PresaleEvent = (
    EntitlementChanged
    | OrderChanged
    | SalesChanged
    | WalletChanged
    | RevenueChanged
    | RefundFailed
    | MoneyReturning
    | RefundsOpened
)


def encode(event: PresaleEvent) -> bytes:
    """The wire form, JSON with the tag in `t`."""
    return msgspec.json.encode(event)


def decode(body: bytes) -> PresaleEvent:
    """Back from `encode`; raises `msgspec.ValidationError` for anything else."""
    return _decoder.decode(body)


_decoder: msgspec.json.Decoder[PresaleEvent] = msgspec.json.Decoder(PresaleEvent)
