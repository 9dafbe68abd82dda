"""python-socketio on uvicorn, each with its defaults: `stock.py PORT hall|alone|answer`, as `socketio.mjs`."""

import itertools
import sys
import time
from typing import Any

import socketio
import uvicorn


def application(scene: str) -> Any:
    """The server of one scene."""
    server = socketio.AsyncServer(async_mode="asgi")
    count = itertools.count()
    users: dict[str, str] = {}

    def room_of(sid: str) -> str:
        return "hall" if scene == "hall" else sid

    async def connect(sid: str, _environ: object, _auth: object = None) -> None:
        users[sid] = f"{next(count):05}"
        await server.enter_room(sid, room_of(sid))

    async def disconnect(sid: str, _reason: object = None) -> None:
        users.pop(sid, None)

    async def danmaku(sid: str, message: dict[str, Any]) -> dict[str, Any]:
        user = users[sid]
        item = {
            "id": f"01BENCH{next(count):019}",
            "user": f"fan-{user}",
            "name": f"Fan {user}",
            "text": message["text"],
            "tier": "main",
            "at_ms": time.time_ns() // 1_000_000,
        }
        if scene != "answer":
            await server.emit("danmaku", (item, item["id"][-8:]), room=room_of(sid))
        return {"ok": True, "data": {"id": item["id"]}}

    for event in (connect, disconnect, danmaku):
        server.on(event.__name__, event)
    return socketio.ASGIApp(server)


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), log_level="warning")
