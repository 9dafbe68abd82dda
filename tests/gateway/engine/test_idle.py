"""Connections that owe a request: bounded, and who is idle longest gives way to newcomers."""

from gateway.engine.idle import IdleConnections


class Connection:
    def __init__(self, name: str, ended: list[str]) -> None:
        self.name, self._ended = name, ended

    def end_idle(self) -> None:
        self._ended.append(self.name)


class Hall:
    def __init__(self, most: int, per_address: int = 0) -> None:
        self.ended: list[str] = []
        self.told: list[str] = []
        self.idle = IdleConnections(most, per_address, self.told.append)

    def enter(self, *names: str, address: str = "203.0.113.7") -> list[Connection]:
        made = [Connection(name, self.ended) for name in names]
        for one in made:
            self.idle.enter(one, address)
        return made


def test_beyond_the_bound_of_the_process_the_one_idle_longest_gives_way() -> None:
    hall = Hall(3)
    first, *_ = hall.enter("a", "b", "c")
    hall.idle.leave(first)  # asks
    hall.idle.enter(first, "203.0.113.7")  # was answered
    hall.enter("d", address="203.0.113.8")
    assert (hall.ended, hall.told, len(hall.idle)) == (["b"], ["203.0.113.7"], 3)


def test_an_address_pushes_out_its_own_and_nobody_elses() -> None:
    hall = Hall(100, per_address=2)
    hall.enter("far", address="198.51.100.1")
    for number in range(4):
        hall.enter(f"near-{number}", address=f"2001:db8:1:2::{number}")
    assert hall.ended == ["near-0", "near-1"]
    assert hall.told == ["2001:db8:1:2::/64"] * 2


def test_who_left_is_held_by_nothing() -> None:
    hall = Hall(2, per_address=1)
    for one in hall.enter("a", "b"):
        hall.idle.leave(one)
        hall.idle.leave(one)
    assert len(hall.idle) == 0
    assert hall.idle._by_place == {}
