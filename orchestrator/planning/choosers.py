"""Which chooser a sweep has."""

from __future__ import annotations

from orchestrator.planning.chosen_points import Chooser
from orchestrator.sweepfile.model import Search, Sweep


def chooser_of(sweep: Sweep) -> Chooser:
    """The chooser of a sweep that maps or searches. Other sweeps do without SciPy, which takes a second to import."""
    from orchestrator.planning.map_chooser import MapChooser
    from orchestrator.planning.search_chooser import SearchChooser

    assert sweep.explores
    sample = sweep.explored_sample
    if isinstance(sweep.explores, Search):
        return SearchChooser(sample.space, sample.seed, sweep.explores.trials, sweep.explores.stable)
    return MapChooser(sample.space, sample.seed)
