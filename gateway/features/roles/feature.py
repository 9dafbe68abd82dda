"""Who may do more than watch."""

from gateway.features.roles.news import NEWS, load
from gateway.features.roles.routes import role_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    news=NEWS,
    load=load,
    routes=(role_routes,),
)
