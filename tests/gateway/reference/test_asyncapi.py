"""The generated descriptions of the contract hold what the registry holds, and are valid for who reads them."""

import subprocess
from pathlib import Path

import msgspec

from auth.door import Surface
from gateway.reference.__main__ import GENERATED, main
from gateway.reference.asyncapi import asyncapi, commands_of, events_of

ROOT = Path(__file__).parents[3]


def test_every_generated_file_is_in_step_with_the_code() -> None:
    assert main(["--check"]) == 0
    assert all(path.exists() for path in GENERATED)


def test_the_asyncapi_file_satisfies_the_official_parser(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    checked = subprocess.run(
        ["node", "asyncapi.mjs", str(tmp_path / "asyncapi.json")],  # noqa: S607 - the node of the set-up
        cwd=ROOT / "tests" / "clients",
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_namespace_describes_its_own_events_and_commands_and_no_others() -> None:
    document = msgspec.json.decode(asyncapi())
    for surface, name in ((Surface.LIVE, "live"), (Surface.CONSOLE, "console")):
        operations = [key.split(".", 2)[1:] for key in document["operations"] if key.startswith(f"{name}.")]
        sent = {event.replace(".", ":") for action, event in operations if action == "send"}
        received = {event.replace(".", ":") for action, event in operations if action == "receive"}
        assert sent == {event.name for event in events_of(surface)}
        assert received == {command.name for command in commands_of(surface)}
    assert "live.send.revenue" not in document["operations"]
    assert "live.receive.ban" not in document["operations"]
