"""Orders, tickets, and notices about money."""

from gateway.contract import shared
from gateway.features.orders import wire
from gateway.features.orders.inbox import inbox_routes
from gateway.features.orders.news import NEWS, PARTS
from gateway.features.orders.routes import order_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.ORDER, shared.INBOX),
    news=NEWS,
    parts=PARTS,
    routes=(order_routes, inbox_routes),
)
