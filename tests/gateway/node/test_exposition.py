from gateway.node.exposition import merged


def test_metrics_of_several_workers_are_one_valid_exposition() -> None:
    one = b'# HELP a What.\n# TYPE a counter\na 1.0\na{b="{ }"} 2.0\n# HELP c C\n# TYPE c gauge\nc 3.0\n'
    assert merged({2: one, 0: one, 1: None}).decode().splitlines() == [
        "# HELP liveroom_worker_up Whether a worker of this node tells its metrics",
        "# TYPE liveroom_worker_up gauge",
        'liveroom_worker_up{worker="0"} 1',
        'liveroom_worker_up{worker="1"} 0',
        'liveroom_worker_up{worker="2"} 1',
        "# HELP a What.",
        "# TYPE a counter",
        'a{worker="0"} 1.0',
        'a{worker="0",b="{ }"} 2.0',
        'a{worker="2"} 1.0',
        'a{worker="2",b="{ }"} 2.0',
        "# HELP c C",
        "# TYPE c gauge",
        'c{worker="0"} 3.0',
        'c{worker="2"} 3.0',
    ]
