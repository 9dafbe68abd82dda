"""The examples of the pages for people, as files on a reader's desk, and run there.

An example is a fenced block that names its file: "```js file=watch.mjs". Programs of Python, node and sh can be run.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
DEADLINE_SECONDS = 20.0
NAMED = re.compile(r"^```(\w+) file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INTERPRETERS: Mapping[str, str] = {".py": sys.executable, ".mjs": "node", ".sh": "sh"}


def snippets_of(page: str) -> dict[str, str]:
    """The examples of a page, by the names of their files."""
    return {name: text for _, name, text in NAMED.findall((ROOT / page).read_text("utf-8"))}


class Program:
    """A running example. It talks in lines of a word and the rest, and listens to lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._heard: list[str] = []

    async def word(self, beginning: str, *, seconds: float = DEADLINE_SECONDS) -> str:
        """The rest of the first line to come that begins so; what comes before it is passed over."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            while line := (await self._process.stdout.readline()).decode():
                self._heard.append(line)
                if line.startswith(beginning + " "):
                    return line.removeprefix(beginning).strip()
        raise AssertionError(f"the example ended without a word of {beginning}; it said {''.join(self._heard)}")

    async def told(self, beginning: str, **expected: Any) -> Any:
        """The next line that begins so and whose JSON has these fields."""
        while True:
            data = msgspec.json.decode(await self.word(beginning))
            if all(data[name] == value for name, value in expected.items()):
                return data

    async def item(self, event: str, identity: str) -> Any:
        """An item of a list event, told already or to come."""
        while True:
            for data in self.since_the_start(event):
                for item in data["items"]:
                    if item["id"] == identity:
                        return item
            await self.word(event)

    def since_the_start(self, beginning: str) -> list[Any]:
        """What lines that begin so said, among those read up to now."""
        lines = [line for line in self._heard if line.startswith(beginning + " ")]
        return [msgspec.json.decode(line.removeprefix(beginning)) for line in lines]

    async def say(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def call(self, command: str, payload: object) -> Any:
        """Type a command with its payload; the answer."""
        await self.say(f"{command} {msgspec.json.encode(payload).decode()}")
        return msgspec.json.decode(await self.word("ack"))

    @property
    def process_group(self) -> int:
        """The example and all that it started."""
        return self._process.pid

    async def ended(self) -> int:
        """The status it ends with by itself."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._process.wait()


@dataclass(frozen=True)
class Desk:
    """A reader's folder: the examples as files, the browser packages and the command line installed."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def lay(self, *pages: str) -> "Desk":
        """Put the examples of these pages on it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for page in pages:
            for name, text in snippets_of(page).items():
                (self.folder / name).write_text(text, "utf-8")
        for name, target in (("node_modules", "web-demo/node_modules"), (".venv", ".venv")):
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(ROOT / target, target_is_directory=True)
        return self

    @asynccontextmanager
    async def run(self, name: str, *arguments: str, **environment: str) -> AsyncIterator[Program]:
        """An example with its arguments; ended at the end, with all that it started."""
        process = await self._start(INTERPRETERS[Path(name).suffix], name, *arguments, **environment)
        try:
            yield Program(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    async def answer(self, name: str, *arguments: str, **environment: str) -> str:
        """All that an example says, which ends well."""
        return await self._answer(INTERPRETERS[Path(name).suffix], name, *arguments, **environment)

    async def shell(self, command: str, **environment: str) -> str:
        """What a command line says that stands in the text."""
        return await self._answer("sh", "-c", command, **environment)

    async def _answer(self, *command: str, **environment: str) -> str:
        process = await self._start(*command, **environment)
        async with asyncio.timeout(DEADLINE_SECONDS):
            out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode().strip()

    async def _start(self, *command: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
