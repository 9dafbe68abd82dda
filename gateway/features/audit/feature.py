"""Whether the books and the rooms agree."""

from gateway.features.audit.routes import audit_routes
from gateway.replica.feature import Feature

FEATURE = Feature(
    routes=(audit_routes,),
)
