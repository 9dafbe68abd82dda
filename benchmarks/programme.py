"""Everything that is measured, in its order."""

from benchmarks import alone, beside
from benchmarks.experiments import Experiment, Profile


def experiments(profile: Profile) -> list[Experiment]:
    """First what names peers, then the gateway alone."""
    return [*beside.experiments(profile), *alone.experiments(profile)]
