"""What the supervisor does about its workers, with workers that do nothing else."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.node import supervisor
from gateway.node.supervisor import Supervisor, supervise
from gateway.setup.preflight import CommandError
from gateway.setup.settings import Mode, Settings
from tests.ports import free_port

PROGRAM = (str(Path(__file__).with_name("worker_of_paper.py")),)
DEADLINE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SHORTEST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(supervisor, "LONGEST_WAIT_SECONDS", 0.004)
    monkeypatch.setattr("gateway.setup.logs.configure", lambda _: None)  # these tests read the log themselves


class Workers:
    """What the workers did, by the files they leave."""

    def __init__(self, folder: Path, logs: list[Any], running: "asyncio.Task[None] | None" = None) -> None:
        self.folder = folder
        self.logs = logs
        self.running = running

    def born(self) -> list[tuple[int, int]]:
        """Number and process id of each that was ever started, in no order."""
        names = [path.name.split(".") for path in self.folder.iterdir() if path.name[0].isdecimal()]
        return [(int(number), int(process)) for number, process in names]

    def shall(self, what: str) -> None:
        (self.folder / what).touch()

    def shall_not(self, what: str) -> None:
        (self.folder / what).unlink()

    def told(self, event: str, field: str) -> list[Any]:
        return [entry[field] for entry in self.logs if entry["event"] == event]


@asynccontextmanager
async def workers(folder: Path, count: int = 3) -> AsyncIterator[Workers]:
    """A supervisor at work."""
    settings = Settings.load(
        Mode.TEST, data_dir=folder, port=free_port(), redis_url="redis://127.0.0.1:1/0", workers=count
    )
    with capture_logs() as logs:
        made = Workers(folder, logs)
        made.running = asyncio.create_task(supervise(settings, PROGRAM))
        try:
            await until(lambda: len(list(folder.glob("serves.*"))) == count)
            yield made
        finally:
            made.running.cancel()
            await asyncio.gather(made.running, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_each_worker_has_a_number_of_its_own(tmp_path: Path) -> None:
    async with workers(tmp_path) as found:
        assert sorted(number for number, _ in found.born()) == [0, 1, 2]


async def test_a_worker_that_falls_is_started_again_under_the_same_number(tmp_path: Path) -> None:
    async with workers(tmp_path) as found:
        number, process = found.born()[0]
        os.kill(process, signal.SIGKILL)
        await until(lambda: len(found.born()) == 4)
        assert sorted(of for of, _ in found.born()) == sorted([0, 1, 2, number])


async def test_a_worker_that_hangs_is_ended_and_started_again_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENCE_SECONDS", 0.2)
    async with workers(tmp_path) as found:
        number, process = found.born()[0]
        os.kill(process, signal.SIGSTOP)
        await until(lambda: len(found.born()) == 4)
        assert found.told("worker.hung", "worker") == [number]
        assert sorted(of for of, _ in found.born()) == sorted([0, 1, 2, number])


async def test_one_that_keeps_falling_is_waited_for_longer_and_longer(tmp_path: Path) -> None:
    async with workers(tmp_path, 2) as found:
        found.shall("fall")
        os.kill(found.born()[0][1], signal.SIGKILL)
        await until(lambda: len(found.told("worker.ended", "again_in_seconds")) >= 5)
        assert found.told("worker.ended", "again_in_seconds")[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]
        assert found.told("worker.ended", "status")[:3] == [-9, 3, 3]


async def test_no_newcomer_waits_for_a_worker_that_keeps_falling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Supervisor] = []
    begin = Supervisor.__init__

    def keep(self: Supervisor, *arguments: Any) -> None:
        made.append(self)
        begin(self, *arguments)

    monkeypatch.setattr(Supervisor, "__init__", keep)
    async with workers(tmp_path, 2) as found:
        held = {number: slot.listeners[0].fileno() for number, slot in enumerate(made[0]._slots)}
        monkeypatch.setattr(supervisor, "LONGEST_WAIT_SECONDS", 60)
        monkeypatch.setattr(supervisor, "SHORTEST_WAIT_SECONDS", 20)
        os.kill(next(process for number, process in found.born() if number == 1), signal.SIGKILL)
        await until(lambda: made[0]._slots[1].falls == 1)
        assert {number: slot.listeners[0].fileno() for number, slot in enumerate(made[0]._slots)} == held


async def test_what_the_first_worker_cannot_do_is_told_and_nobody_else_is_started(tmp_path: Path) -> None:
    (tmp_path / "refuse").touch()
    with capture_logs() as logs:
        settings = Settings.load(Mode.TEST, data_dir=tmp_path, redis_url="redis://a", workers=3, port=free_port())
        with pytest.raises(CommandError, match=r"^the house is shut\.$"):
            await supervise(settings, PROGRAM)
        assert [number for number, _ in Workers(tmp_path, logs).born()] == [0]
        assert logs == []


async def test_a_replacement_that_does_not_serve_leaves_the_old_workers_in_place(tmp_path: Path) -> None:
    async with workers(tmp_path) as found:
        before = found.born()
        found.shall("refuse")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: bool(found.told("workers.renewal_stopped", "log_level")))
        assert found.told("worker.not_started", "reason") == ["the house is shut."]
        assert all(Path(f"/proc/{process}").exists() for _, process in before)  # noqa: ASYNC240
        assert len(found.born()) == 4
        found.shall_not("refuse")
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: bool(found.told("workers.renewal_ended", "log_level")))
        assert not any(Path(f"/proc/{process}").exists() for _, process in before)  # noqa: ASYNC240
        assert len(found.born()) == 7


async def test_a_worker_that_does_not_drain_well_is_told(tmp_path: Path) -> None:
    async with workers(tmp_path) as found:
        found.shall("drain badly")
        os.kill(os.getpid(), signal.SIGTERM)
        assert found.running is not None
        with pytest.raises(CommandError, match="not every worker"):
            await asyncio.wait_for(found.running, DEADLINE_SECONDS)


async def test_whoever_cancels_it_leaves_no_worker_behind(tmp_path: Path) -> None:
    async with workers(tmp_path) as found:
        pass
    assert not any(Path(f"/proc/{process}").exists() for _, process in found.born())  # noqa: ASYNC240
