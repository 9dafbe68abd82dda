"""What media servers ask: whether a grant is good, and its holder still entitled."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from auth.denials import Code, Denied
from auth.grants import GrantClaims, StreamGrants
from auth.identity import Role, Tier
from gateway.replica.rights import STREAMS, rights_in
from presale.entitlements import entitlements_sql
from rooms.course import rooms_sql
from rooms.moderation import sanctions_sql
from rooms.roles import roles_sql
from rooms.stage import stage_sql
from rooms.stage.stage import StageState
from store.database_sql import Database

_STREAM_RIGHTS = {stream: permission for permission, stream in STREAMS.items()}

SHOWN_BY: dict[str, Callable[[Request], str]] = {
    "nginx": lambda request: request.headers.get("x-original-uri", "").partition("?")[0],
}
"""How each kind of media server hands over the path it was asked for. `nginx`: auth_request."""


def media_routes(db: Database, grants: StreamGrants, clock: Callable[[], int], *, with_playlists: bool) -> list[Route]:
    """`/media/auth/{kind}`: 204 lets pass, 401 a bad or old grant, 403 a right that has ended since.

    `with_playlists`: there is no media server, and `/hls/` answers in its stead.
    """

    async def authorize(request: Request) -> Response:
        shown_by = SHOWN_BY.get(request.path_params["kind"])
        if shown_by is None:
            return Response(status_code=404)
        judged = await judge(db, grants, clock(), shown_by(request))
        if isinstance(judged, Denied):
            return Response(status_code=403 if judged.code is Code.FORBIDDEN else 401)
        return Response(status_code=204)

    async def playlist(request: Request) -> Response:
        judged = await judge(db, grants, clock(), request.url.path)
        if isinstance(judged, Denied):
            return Response(status_code=403 if judged.code is Code.FORBIDDEN else 401)
        return PlainTextResponse(_playlist(judged), media_type="application/vnd.apple.mpegurl")

    routes = [Route("/media/auth/{kind}", authorize, methods=["GET", "POST"])]
    if with_playlists:
        routes.append(Route("/hls/{rest:path}", playlist))
    return routes


async def judge(db: Database, grants: StreamGrants, now_ms: int, shown: str) -> GrantClaims | Denied:
    """The claims of a grant whose holder still has the right in SQL; else TOKEN_* or FORBIDDEN."""
    claims = grants.verify(shown, now_ms)
    if isinstance(claims, Denied):
        return claims
    async with db.read() as connection:
        room = await rooms_sql.load_room(connection, claims.room)
        if room is None:
            return Denied(Code.FORBIDDEN)
        sanctions = await sanctions_sql.load_sanctions(connection, claims.room)
        if claims.viewer in sanctions.bans:
            return Denied(Code.FORBIDDEN)
        if claims.right == "publish":
            stage = await stage_sql.load_stage(connection, claims.room)
            return claims if stage.state_of(claims.viewer) is StageState.ON_STAGE else Denied(Code.FORBIDDEN)
        role = await roles_sql.role_of(connection, claims.viewer, room.show)
        entitlement = await entitlements_sql.load(connection, room.show, claims.viewer)
    tier = entitlement.tier if role is Role.VIEWER else Tier.VIP
    needed = _STREAM_RIGHTS.get(claims.stream)
    return claims if needed in rights_in(room, role, tier) else Denied(Code.FORBIDDEN)


def _playlist(claims: GrantClaims) -> str:
    """The demo has no media server: an empty live playlist proves to the page that its grant is good."""
    return "\n".join(
        (
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            "#EXT-X-TARGETDURATION:2",
            "#EXT-X-MEDIA-SEQUENCE:0",
            f'#EXT-X-SESSION-DATA:DATA-ID="liveroom.stream",VALUE="{claims.stream}"',
            "",
        )
    )
