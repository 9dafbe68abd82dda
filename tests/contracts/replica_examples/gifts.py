from tests.contracts.replica_suite import FAN

EXAMPLES = {
    "gift": lambda now: now.do("gift", {"gift": "rose", "key": "one-of-them", "count": 3}, FAN),
    "like": lambda now: now.do("like", {"count": 7}, FAN),
}
