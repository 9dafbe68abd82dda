"""The parts of `make bench` under a load too small to measure anything: they work, end, and say what they cannot do."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs
from redis import Redis

from benchmarks import alone, build, contestants, page, picture, words
from benchmarks.alone import SIZES
from benchmarks.contestants import Contestant, Scene, Stand
from benchmarks.crowd import Address, Arrival, Load, Outcome, Spread, Stage, run
from benchmarks.experiments import FULL, QUICK, Experiment, Profile, Result, in_the_middle, put
from benchmarks.machine import Cores
from benchmarks.processes import CannotRunError, family, listening, require_files
from benchmarks.programme import experiments
from benchmarks.report import Report
from benchmarks.tables import verdict_rows
from benchmarks.targets import BOUNDS, FLAT, RATIOS, ROWS, judge
from benchmarks.wire import Watch, WireUse, redis_running
from tests import test_repository
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
TINY = Load(
    8,
    first=2,
    connect_rate=200,
    settle_seconds=0.1,
    senders=8,
    rates=(16,),
    warm_seconds=0,
    seconds=0.4,
    drain_seconds=0.2,
)
GONE_SECONDS = 10


@pytest.fixture(scope="module")
def swarm() -> Path:
    try:
        return build.swarm()
    except build.CannotBuildError as error:
        pytest.skip(str(error))


def put_load_on(who: Contestant, scene: Scene, load: Load, swarm: Path, folder: Path) -> Outcome:
    with who.start(Stand(scene, load.sockets, folder, None)) as address:
        return run(swarm, load, address, None)


# ---- the load and the servers ------------------------------------------------------------------------------


def test_everybody_in_the_gateways_hall_gets_every_danmaku_in_either_encoding(swarm: Path, tmp_path: Path) -> None:
    with contestants.OURS.start(Stand(Scene.HALL, 8, tmp_path, None)) as address:
        outcome = run(swarm, TINY, address, None)
        msgpack = replace(address, codec="msgpack", target="/socket.io-msgpack/?EIO=4&transport=websocket")
        eager = run(swarm, replace(TINY, senders=2, rates=(60,), ack=True), msgpack, None)
    assert (outcome.standing, outcome.connect.lost, outcome.first_loss) == (8, 0, "")
    assert outcome.connect.handshake_ms.count == outcome.connect.sockets == 6
    stage = outcome.stages[0]
    assert stage.sent >= 5
    assert stage.complete(8) == 1
    assert stage.latency_ms.count == stage.returned
    # far above the rate of a danmaku: most are refused, and all are answered
    stage = eager.stages[0]
    assert stage.sent >= 20
    assert stage.answers == stage.sent
    assert 0 < stage.complete(8) < 1


@pytest.mark.parametrize("who", [contestants.STOCK, contestants.NCHAN, contestants.FLOOR], ids=lambda who: who.key)
def test_a_peer_relays_everything_or_says_what_it_lacks(who: Contestant, swarm: Path, tmp_path: Path) -> None:
    try:
        outcome = put_load_on(who, Scene.HALL, TINY, swarm, tmp_path)
    except CannotRunError as error:
        assert "apt-get install" in str(error)  # noqa: PT017 - one of the two promises
        return
    assert outcome.stages[0].complete(8) == 1


@pytest.mark.parametrize("who", [contestants.SOCKETIO, contestants.SOCKETIO_MSGPACK], ids=lambda who: who.key)
def test_socketio_on_node_relays_everything(who: Contestant, swarm: Path, tmp_path: Path) -> None:
    outcome = put_load_on(who, Scene.HALL, replace(TINY, ack=True), swarm, tmp_path)
    stage = outcome.stages[0]
    assert stage.complete(8) == 1
    assert stage.answers == stage.sent


def test_the_load_says_why_nobody_was_let_in(swarm: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with listening(command, port, core=None, folder=tmp_path) as pids:
        outcome = run(swarm, replace(TINY, rates=()), Address(port, pids), None)
    assert outcome.connect.lost == TINY.sockets
    assert outcome.first_loss.startswith("HTTP/1.0 404")


def test_a_server_is_gone_when_its_measurement_fails(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    started: list[int] = []

    def measure() -> None:
        with listening(command, port, core=None, folder=tmp_path) as pids:
            started.extend(pids)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure()
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no wings')"]
    with pytest.raises(CannotRunError, match="no wings"), listening(command, free_port(), core=None, folder=tmp_path):
        pass


def test_a_terminated_run_leaves_no_server_behind(swarm: Path, tmp_path: Path) -> None:
    shutil.copy2(swarm, tmp_path)  # a folder of its own: the clone's may be held by somebody who measures
    main = "import sys; sys.path.insert(0, '.'); from pathlib import Path; from benchmarks import build; "
    main += "build.BUILT = Path(sys.argv.pop(1)); from benchmarks.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", main, str(tmp_path), "--quick", "--ours", "--only", "fanout"]
    bench = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + GONE_SECONDS
    while len(born := family(bench.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    bench.send_signal(signal.SIGTERM)
    assert bench.wait(GONE_SECONDS) == 128 + signal.SIGTERM
    assert len(born) > 1
    assert [pid for pid in born if Path(f"/proc/{pid}").exists()] == []


def test_without_a_compiler_the_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(build, "BUILT", tmp_path)
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(build.CannotBuildError, match="apt-get install gcc"):
        build.swarm()


# ---- what is made of it ------------------------------------------------------------------------------------

SPREAD = Spread(p50=1, p99=2, max=3, count=9)
USE = WireUse(sent=10, executed=100, busy=0.1, by_command={})
OVER_PEERS = [ratio.promise for ratio in RATIOS if not ratio.theirs.startswith(("ours", *SIZES))]


def outcome_of(cpu_seconds: float, sent: int = 100, returned: int = 100_000) -> Outcome:
    connect = Arrival(
        sockets=100,
        lost=0,
        seconds=1,
        cpu_seconds=cpu_seconds,
        others_cpu_seconds=0,
        rss_kib_before=0,
        rss_kib=1_000 * cpu_seconds,
        admitted=100,
        admitted_seconds=1,
        handshake_ms=SPREAD,
    )
    stage = Stage(
        rate=20,
        seconds=5,
        cpu_seconds=cpu_seconds,
        others_cpu_seconds=0,
        sent=sent,
        held_back=0,
        answers=0,
        arrived=100_000,
        returned=returned,
        frames=100_000,
        frame_bytes=round(10_000_000 * cpu_seconds),
        all_bytes=0,
        latency_ms=SPREAD,
        answer_ms=SPREAD,
        latency_ms_at=[SPREAD, SPREAD],
    )
    return Outcome(connect, [stage], 1_000, "")


def results(ours: Outcome, theirs: Outcome) -> Iterator[Result]:
    for experiment in experiments(FULL):
        for who in experiment.contestants:
            outcome = ours if who.is_ours else theirs
            yield Result(experiment.key, who.key, who.label, outcome, listeners=1_000, wire=USE)


def report_of(found: list[Result]) -> Report:
    titles = {one.key: one.title for one in experiments(FULL)}
    return Report(
        "2000-01-01T00:00+00:00", "full", "make bench", "", "a machine", {}, 1, titles, found, judge(found, list(ROWS))
    )


def test_every_row_of_the_targets_is_judged_by_what_both_profiles_measure() -> None:
    assert {promise.row for promise in (*RATIOS, *BOUNDS)} == set(ROWS)
    for profile in (FULL, QUICK):
        measured = {(one.key, who.key) for one in experiments(profile) for who in one.contestants}
        sides = {(one.experiment, who) for one in RATIOS for who in (one.ours, one.theirs, *(one.beyond or ()))}
        assert sides <= measured
        assert {(bound.experiment, bound.contestant) for bound in BOUNDS} <= measured


def test_a_cost_that_grows_with_the_size_is_told() -> None:
    grown = [
        Result(one.experiment, one.contestant, one.label, outcome_of(3 if one.contestant == "largest" else 2))
        for one in results(outcome_of(1), outcome_of(1))
    ]
    verdicts = [one for one in judge(grown, ["growth"]) if one.target == FLAT and "beyond" not in one.promise]
    assert {(verdict.measured, verdict.is_met, verdict.target) for verdict in verdicts} == {(1.5, False, FLAT)}


def test_what_the_kernel_grows_by_is_no_growth_of_the_gateways_own() -> None:
    cpu_seconds = {"smallest": 3, "largest": 5, "floor-smallest": 1, "floor-largest": 3}
    (one,) = [
        verdict
        for verdict in judge(
            [Result("sockets", key, key, outcome_of(seconds)) for key, seconds in cpu_seconds.items()], ["growth"]
        )
        if "beyond" in verdict.promise
    ]
    assert (one.measured, one.is_met, one.shown) == (1, True, "20.0 / 20.0 us")


def test_of_several_rounds_the_one_in_the_middle_counts_unless_one_could_not_be_measured() -> None:
    rounds = [Result("rooms", "largest", str(cost), outcome_of(cost)) for cost in (3, 1, 2)]
    assert in_the_middle(rounds).label == "2"
    assert in_the_middle(rounds[:1]).label == "3"
    failed = Result("rooms", "largest", "failed", reason="it did not listen")
    assert in_the_middle([*rounds, failed]) is failed


def test_what_the_far_gateway_adds_is_judged_where_everything_came_and_without_bound_elsewhere() -> None:
    far = replace_stage(outcome_of(1), latency_ms_at=[SPREAD, Spread(p50=40, p99=50, max=60, count=9)])
    for outcome, expected in ((far, (48, False)), (replace_stage(far, returned=1), (None, False))):
        (verdict,) = judge([Result("hop", "ours", "liveroom", outcome)], ["hop"])
        assert (verdict.measured, verdict.is_met) == expected


def replace_stage(outcome: Outcome, **changes: object) -> Outcome:
    return structs.replace(outcome, stages=[structs.replace(outcome.stages[0], **changes)])


def test_a_size_beyond_the_allowed_open_files_is_not_measured_and_says_so() -> None:
    with pytest.raises(CannotRunError, match="ulimit -n"):
        require_files(2**40)


@pytest.mark.parametrize("key", ["hop", "commands", "sockets", "rooms", "doors"])
def test_the_gateway_is_held_against_itself_at_every_size(key: str, swarm: Path, tmp_path: Path) -> None:
    tiny = replace(
        QUICK,
        seconds=0.6,
        warm_seconds=0,
        settle_seconds=0.1,
        over_redis=(80, 82, 84),
        in_a_room=(80, 82, 84),
        rooms=(1, 6, 12),
        seat_renew_seconds=0.5,
        doors=60,
        rush=80,
    )
    experiment = sizes_of(tiny, key)
    who = [one for one in experiment.contestants if one.is_ours][-1]
    load = experiment.load(who)
    with who.start(Stand(experiment.scene, load.sockets, tmp_path, None)) as address:
        outcome, wire = put(swarm, load, address, Cores(None, None))
    assert (outcome.connect.lost, outcome.first_loss) == (0, "")
    assert outcome.connect.admitted == outcome.connect.sockets == load.sockets - load.first
    for stage in outcome.stages:
        assert stage.complete(experiment.listeners(who)) == 1
        assert len(stage.latency_ms_at) == (2 if address.farther_ports else 0)
    assert (wire is not None) is bool(address.farther_ports)


def sizes_of(profile: Profile, key: str) -> Experiment:
    small = {"HOP_SOCKETS": 80, "HOP_SPEAKERS": 30, "HOP_RATES": (60.0,)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in small.items():
            patch.setattr(alone, name, value)
        return next(one for one in alone.experiments(profile) if one.key == key)


def test_of_redis_the_seconds_of_a_stage_count_and_nothing_else(tmp_path: Path) -> None:
    with redis_running(None, tmp_path) as port, Redis(port=port) as client:
        client.set("before", 1)
        with Watch(port) as watch:
            began = time.monotonic()
            while time.monotonic() < began + 1:
                client.eval("redis.call('SET', 'a', 1) return redis.call('GET', 'a')", 0)
            use = watch.during(structs.replace(outcome_of(1).stages[0], began=began, seconds=1))
    assert use is not None
    assert set(use.by_command) == {"eval", "set", "get"}
    assert use.executed == pytest.approx(3 * use.sent, rel=0.01)


def test_a_promise_is_met_by_the_ratio_of_one_run() -> None:
    frugal = judge(list(results(outcome_of(0.01), outcome_of(1))), list(ROWS))
    assert [verdict.promise for verdict in frugal if verdict.is_met is not True] == []
    lavish = judge(list(results(outcome_of(2), outcome_of(1))), list(ROWS))
    assert {verdict.is_met for verdict in lavish if verdict.promise in OVER_PEERS} == {False}
    assert {verdict.measured for verdict in lavish if verdict.promise in OVER_PEERS} == {2.0}


def test_a_storm_that_was_not_delivered_has_no_latency_to_boast_of() -> None:
    verdicts = judge(list(results(outcome_of(1, returned=1_000), outcome_of(1))), ["storm"])
    judged = {verdict.promise: verdict.is_met for verdict in verdicts if verdict.unit != "x"}
    assert judged == {"p99": False, "delivered": False}


def test_a_peer_that_could_not_be_started_is_named_with_the_reason() -> None:
    found = [
        replace_outcome(one, "no nginx here") if one.contestant == "nchan" else one
        for one in results(outcome_of(1), outcome_of(1))
    ]
    report = report_of(found)
    assert "not measured: no nginx here" in page.markdown(report)
    words = {row[1]: row[-1] for row in verdict_rows(report.verdicts)}
    assert words["CPU per delivery / nchan"] == "not measured"


def replace_outcome(result: Result, reason: str) -> Result:
    return Result(result.experiment, result.contestant, result.label, reason=reason)


def test_a_run_is_kept_as_a_page_a_picture_and_everything_it_measured(tmp_path: Path) -> None:
    report = report_of(list(results(outcome_of(1), outcome_of(3))))
    names = {file.name for file in page.write(report, tmp_path, tmp_path)}
    assert names == {"benchmarks.md", "benchmarks.svg", "benchmarks.json"}
    drawn = ET.fromstring(picture.draw(report))  # noqa: S314 - our own
    texts = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"liveroom", "socket.io 4.8", "bare send() in C"} <= texts


def test_the_peers_lock_is_as_strict_as_the_others() -> None:
    lock = build.PEERS / "package-lock.json"
    test_repository.test_package_locks_have_hashes_and_name_no_registry(lock)


def test_a_long_list_of_blocked_words_costs_a_line_what_a_short_one_does() -> None:
    """`python -m benchmarks.words` tells the microseconds; here the ratio counts, for the machine may be busy."""
    short, long = words.measure(count=10), words.measure()
    assert long.with_micros / long.without_micros < 1.5 * short.with_micros / short.without_micros
    assert long.with_micros < 3 * long.without_micros
