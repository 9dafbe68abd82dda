"""How long a socket may stay, and what time it is."""

from auth.denials import Code, Denied
from gateway.contract import link
from gateway.contract.rows import errors, viewer_command
from gateway.features.session import wire
from gateway.replica.act import Act


def refresh_token(act: Act, request: wire.RefreshToken) -> link.TokenExpiring | Denied:
    """A new token of the same user lengthens the stay."""
    identity = act.means.verifier.verify(request.token, act.means.clock())
    if isinstance(identity, Denied):
        return identity
    if identity.user != act.user:
        return Denied(Code.FORBIDDEN)
    act.stay(identity)
    return link.TokenExpiring(identity.expires_ms)


def clock(act: Act, request: wire.Clock) -> wire.ClockAck:
    """The server's times, for the client's offset."""
    now = act.means.clock()
    return wire.ClockAck(request.t0, now, act.means.clock())


COMMANDS = (
    viewer_command(
        "token:refresh",
        wire.RefreshToken,
        link.TokenExpiring,
        errors(Code.TOKEN_INVALID, Code.TOKEN_EXPIRED, Code.FORBIDDEN),
        refresh_token,
        is_shared=True,
    ),
    viewer_command("clock", wire.Clock, wire.ClockAck, errors(Code.FORBIDDEN), clock, is_shared=True),
)
