"""How long a socket may stay, and what time it is."""

from auth.denials import Code, Denied
from gateway.contract import shapes
from gateway.contract.rows import errors, viewer_command
from gateway.replica.act import Act


def refresh_token(act: Act, request: shapes.RefreshToken) -> shapes.TokenExpiring | Denied:
    """A new token of the same user lengthens the stay."""
    identity = act.means.verifier.verify(request.token, act.means.clock())
    if isinstance(identity, Denied):
        return identity
    if identity.user != act.user:
        return Denied(Code.FORBIDDEN)
    act.stay(identity)
    return shapes.TokenExpiring(identity.expires_ms)


def clock(act: Act, request: shapes.Clock) -> shapes.ClockAck:
    """The server's times, for the client's offset."""
    now = act.means.clock()
    return shapes.ClockAck(request.t0, now, act.means.clock())


COMMANDS = (
    viewer_command(
        "token:refresh",
        shapes.RefreshToken,
        shapes.TokenExpiring,
        errors(Code.TOKEN_INVALID, Code.TOKEN_EXPIRED, Code.FORBIDDEN),
        refresh_token,
        is_shared=True,
    ),
    viewer_command("clock", shapes.Clock, shapes.ClockAck, errors(Code.FORBIDDEN), clock, is_shared=True),
)
