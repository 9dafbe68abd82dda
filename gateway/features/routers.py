"""The HTTP routes of all features: what a gateway serves under `/api`, and what the reference describes."""

from collections.abc import Sequence

from fastapi import APIRouter

from gateway.api.callers import ApiDependencies
from gateway.features.audit.routes import audit_routes
from gateway.features.names.routes import name_routes
from gateway.features.orders.inbox import inbox_routes
from gateway.features.orders.routes import order_routes
from gateway.features.roles.routes import role_routes
from gateway.features.sales.programme import programme_routes
from gateway.features.sales.routes import show_routes
from gateway.features.session.routes import token_routes

_TABLES = (
    show_routes,
    programme_routes,
    order_routes,
    inbox_routes,
    role_routes,
    name_routes,
    token_routes,
    audit_routes,
)
"""In the order in which the reference lists them."""


def routers_of(deps: ApiDependencies) -> Sequence[APIRouter]:
    """The routes of every feature that has any, served with `deps`."""
    return [routes(deps) for routes in _TABLES]
