"""The operators' commands, run in the order of their page, on an empty folder."""

import asyncio
import os
import signal
import stat
import time
from pathlib import Path

import httpx2

from tests.ports import free_port
from tests.snippets import Desk

PAGE = "docs/operating.md"
SECONDS = 60.0


async def test_a_first_start_serves_and_what_it_holds_is_backed_up_while_it_runs_and_restored(tmp_path: Path) -> None:
    port = free_port()
    desk = Desk(
        tmp_path, {"LIVEROOM_PORT": str(port), "PATH": f"{without_make(tmp_path)}{os.pathsep}{os.environ['PATH']}"}
    )
    desk.lay(PAGE)
    async with desk.run("first-start.sh") as start, httpx2.AsyncClient(trust_env=False) as http:
        assert await start.word("alice", seconds=SECONDS) == "is operator of every show."
        await ready(http, f"http://127.0.0.1:{port}/readyz")
        assert "read back and whole" in await desk.answer("backup.sh")
        os.killpg(start.process_group, signal.SIGTERM)
        await start.ended()
        (tmp_path / "var" / "liveroom.sqlite").unlink()
        assert "The audit found nothing" in await desk.answer("restore.sh")
        assert "alice" in await desk.shell(".venv/bin/liveroom role list")


def without_make(folder: Path) -> Path:
    """A folder of programs with a `make` that does nothing: what `make setup` installs is on the desk already."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "make").write_text('#!/bin/sh\n[ "$1" = setup ]\n')
    (programs / "make").chmod(stat.S_IRWXU)
    return programs


async def ready(http: httpx2.AsyncClient, url: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            assert (await http.get(url)).json() == {"ok": True, "reasons": []}
        except httpx2.TransportError:
            assert time.monotonic() < deadline, "it did not start"
            await asyncio.sleep(0.05)
        else:
            return
