"""Bounds the bodies of HTTP requests."""

from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth import surrogates
from auth.denials import Code, Denied
from gateway.api.refusals import refusal

MAX_BODY_BYTES = 65_536

TOO_LARGE = Denied(Code.BAD_REQUEST, detail={"field": "body", "max_bytes": MAX_BODY_BYTES})


class BoundedBodies:
    """Refuses bodies over `MAX_BODY_BYTES` with 413, whatever length they announce; keeps answers out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(Request(scope, receive))
        except ClientDisconnect:
            return
        if body is None:
            await refusal(TOO_LARGE, 413)(scope, receive, send)
            return
        if b"\0" in unquote_to_bytes(scope["query_string"]) or "\0" in scope["path"]:
            await refusal(Denied(Code.BAD_REQUEST, detail={"field": "path"}))(scope, receive, send)
            return
        # a page cuts strings within a character
        whole = surrogates.repaired_bytes(body)
        unread: Message | None = {"type": "http.request", "body": whole, "more_body": False}

        async def replay() -> Message:
            nonlocal unread
            if unread is None:
                return await receive()
            message, unread = unread, None
            return message

        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"cache-control", b"no-store")]
            await send(message)

        await self._app(scope, replay, send_uncached)


async def read_body(request: Request) -> bytes | None:
    """The whole body, or None as soon as it exceeds the bound."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
