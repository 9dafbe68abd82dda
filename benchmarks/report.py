"""Everything one run found, as it is kept."""

from collections.abc import Iterator

import msgspec

from benchmarks.experiments import Result
from benchmarks.targets import Verdict


class Report(msgspec.Struct, frozen=True):
    """One run."""

    at: str
    profile: str
    command: str
    source: str
    machine: str
    versions: dict[str, str]
    seconds: int
    titles: dict[str, str]
    results: list[Result]
    verdicts: list[Verdict]

    def of(self, experiment: str) -> list[Result]:
        """The results of one experiment, in the order they were measured."""
        return [result for result in self.results if result.experiment == experiment]

    def measured(self) -> Iterator[str]:
        """The experiments of this run."""
        return (key for key in self.titles if self.of(key))
