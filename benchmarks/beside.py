"""Measures the gateway beside its peers: four loads, each on every contestant that supports it."""

from dataclasses import replace

from benchmarks.contestants import (
    FLOOR,
    NCHAN,
    OURS,
    OURS_MSGPACK,
    SOCKETIO,
    SOCKETIO_MSGPACK,
    STOCK,
    Scene,
)
from benchmarks.crowd import Load
from benchmarks.experiments import HALL, Experiment, Profile

ALONE = 16
"""How many sockets are each alone in a room: enough for concurrency, few enough that the upkeep of rooms is not
measured.
"""
STORM_RATE = 500.0
FAN_OUT_RATE = 20.0
INCOMING_RATE = 2_000.0
CONNECT_RATE = 500.0


def experiments(profile: Profile) -> list[Experiment]:
    """Cheapest first."""
    stages = Load(
        HALL,
        seconds=profile.seconds,
        warm_seconds=profile.warm_seconds,
        settle_seconds=profile.settle_seconds,
        drain_seconds=profile.settle_seconds,
        connect_rate=profile.hall_connect_rate,
    )
    fan_out = replace(stages, senders=40, rates=(FAN_OUT_RATE,))
    storm = replace(stages, senders=HALL, rates=(STORM_RATE,), drain_seconds=1)
    ladder = replace(storm, rates=profile.ladder, seconds=profile.ladder_seconds, warm_seconds=1)
    crowd = Load(profile.viewers, first=profile.first_viewers, connect_rate=CONNECT_RATE, settle_seconds=1)
    incoming = replace(stages, sockets=ALONE, first=ALONE, connect_rate=100, senders=ALONE, rates=(INCOMING_RATE,))
    msgpack, stock = ((SOCKETIO_MSGPACK,), (STOCK,)) if profile.has_everybody else ((), ())
    everybody = (OURS, OURS_MSGPACK, SOCKETIO, *msgpack, *stock, NCHAN, FLOOR)
    return [
        Experiment(
            "fanout", f"fan-out: {FAN_OUT_RATE:.0f} messages/s to {HALL:,}", Scene.HALL, everybody, lambda _: fan_out
        ),
        Experiment(
            "storm",
            f"storm: {STORM_RATE:.0f} danmaku/s to {HALL:,}; peers at the highest rate they can",
            Scene.HALL,
            (OURS, OURS_MSGPACK, SOCKETIO, *msgpack),
            lambda who: storm if who.is_ours else ladder,
        ),
        Experiment(
            "crowd",
            f"crowd: {profile.viewers:,} connect at {CONNECT_RATE:.0f}/s and stay",
            Scene.HALL,
            (OURS, SOCKETIO, *stock, NCHAN),
            lambda _: crowd,
        ),
        Experiment(
            "accepted",
            f"incoming: {INCOMING_RATE:,.0f} danmaku/s accepted, each sent back to its sender",
            Scene.ALONE,
            (OURS, SOCKETIO, *stock),
            lambda _: incoming,
        ),
        Experiment(
            "refused",
            f"incoming: {INCOMING_RATE:,.0f} danmaku/s refused for their rate, each answered by an ack",
            Scene.ANSWER,
            (OURS, SOCKETIO, *stock),
            lambda _: replace(incoming, ack=True),
        ),
    ]
