"""What a decision wants done about an attempt to pay."""

from msgspec import Struct

from presale.orders.orders import Payment, PaymentProgress


class Mark(Struct, frozen=True):
    """An attempt that has not brought money yet gets a progress and the provider's transaction."""

    payment: Payment
    progress: PaymentProgress
    transaction: str
