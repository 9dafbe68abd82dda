"""Shows, what they sell, and how it sells."""

from gateway.features.sales import wire
from gateway.features.sales.news import NEWS, load
from gateway.features.sales.programme import programme_routes
from gateway.features.sales.routes import show_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    events=(wire.SALES, wire.REVENUE),
    news=NEWS,
    load=load,
    routes=(show_routes, programme_routes),
)
