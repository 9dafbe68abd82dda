"""Which news have passed: what is played back, or comes late, is told from what is new. Pure, and bounded."""

from collections.abc import Hashable

MAX_KEPT = 4_096
"""Things whose newest version is kept above the floor, and versions kept there; beyond it the floor rises."""


class Newest:
    """The newest version of each thing. News up to `floor` have all passed, whatever they are about.

    What has ended keeps its version like everything else: its beginning, played back, is no news.
    """

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        self._versions: dict[Hashable, int] = {}

    def takes(self, thing: Hashable, version: int) -> bool:
        """Whether this is news; it has passed from now on."""
        if version <= self.of(thing):
            return False
        self._versions[thing] = version
        if len(self._versions) > MAX_KEPT:
            self.reach(sorted(self._versions.values())[MAX_KEPT // 2])
        return True

    def of(self, thing: Hashable) -> int:
        """The version up to which a thing's news have passed."""
        return max(self.floor, self._versions.get(thing, 0))

    def reach(self, version: int) -> None:
        """Everything up to here is known, by other means than news."""
        if version > self.floor:
            self.floor = version
            self._versions = {thing: newest for thing, newest in self._versions.items() if newest > version}


class Counted:
    """News of one counter, each version of one thing. Up to `floor` nothing is missing.

    Whoever knows the counter's value in SQL sees by it whether something is.
    """

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        """The greatest version up to which all has come."""
        self._newest = Newest(floor)
        self._ahead: set[int] = set()
        """What has come of that which lies above the floor."""

    def takes(self, thing: Hashable, version: int) -> bool:
        """Whether this is news; it has passed from now on."""
        is_news = self._newest.takes(thing, version)
        if version > self.floor and len(self._ahead) < MAX_KEPT:  # beyond it the floor waits for SQL
            self._ahead.add(version)
            self.reach(self.floor)
        return is_news

    def of(self, thing: Hashable) -> int:
        """The version up to which a thing's news have passed."""
        return self._newest.of(thing)

    def reach(self, version: int) -> None:
        """Everything up to here is known, by other means than news."""
        floor = max(self.floor, version)
        while floor + 1 in self._ahead:
            floor += 1
        if floor > self.floor:
            self.floor = floor
            self._ahead = {one for one in self._ahead if one > floor}
            self._newest.reach(floor)
