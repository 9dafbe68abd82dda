"""Who gives which role, and who stands above whom."""

from collections.abc import Iterable, Mapping

from auth.identity import Role

GRANTS: Mapping[Role, frozenset[Role]] = {
    Role.OPERATOR: frozenset({Role.OPERATOR, Role.HOST, Role.MODERATOR}),
    Role.HOST: frozenset({Role.MODERATOR}),
    Role.MODERATOR: frozenset(),
    Role.VIEWER: frozenset(),
}
"""What each role may give and take."""

_WEAK_FIRST = (Role.VIEWER, Role.MODERATOR, Role.HOST, Role.OPERATOR)


def may_grant(actor: Role, role: Role) -> bool:
    """Whether the actor may give or take a role."""
    return role in GRANTS[actor]


def outranks(actor: Role, target: Role) -> bool:
    """Whether the actor may mute, ban, kick or otherwise discipline the target."""
    return _WEAK_FIRST.index(actor) > _WEAK_FIRST.index(target)


def strongest(roles: Iterable[Role]) -> Role:
    """The best of several roles; `viewer` of none."""
    return max(roles, key=_WEAK_FIRST.index, default=Role.VIEWER)
