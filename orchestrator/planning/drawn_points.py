"""The points of groups that draw, in words; and what becomes of those that were drawn before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.formatting import count_of, format_level, short_names
from orchestrator.space import Choice, Dimension, Interval
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.sweepfile.sample import Sample, SampleDocument


def sample_lines(samples: Mapping[str, Sample]) -> list[str]:
    """What each group draws, a line each: `dcgan draws 64 points (sobol): lr from 1e-5 to 0.1 (log)`."""
    return [
        f"{group} draws {count_of(len(sample.points), 'point')} ({sample.method}): {', '.join(_dimensions(sample))}"
        for group, sample in samples.items()
    ]


def _dimensions(sample: Sample) -> list[str]:
    names = short_names(list(sample.space.paths))
    return [f"{names[dimension.path]} {_values(dimension)}" for dimension in sample.space.dimensions]


def _values(dimension: Dimension) -> str:
    if isinstance(dimension, Choice):
        return f"of {' or '.join(map(format_level, dimension.levels))}"
    ends = f"from {format_level(dimension.low)} to {format_level(dimension.high)}"
    if isinstance(dimension, Interval):
        return f"{ends} (log)" if dimension.is_log else ends
    return f"{ends} by {dimension.step}" if dimension.step > 1 else ends


def redrawn_lines(
    before: Mapping[str, SampleDocument], trials: Sequence[TrialDocument], now: Mapping[str, Sample]
) -> list[str]:
    """A line for each group whose points are drawn anew: its earlier trials leave the sweep.

    `before`, `trials`: of the last command. Another count of the same draw is none, unless its method
    spreads the points for exactly their number.
    """
    lines = []
    for group, sample in now.items():
        document = sample.to_document()
        earlier = before.get(group)
        if earlier is None:
            continue
        changed = [name for name in ("dimensions", "method", "seed") if earlier.get(name) != document.get(name)]
        if changed:
            lines.append(
                f"caution: group {group} draws all its points anew: {' and '.join(changed)} of its sample changed"
            )
        elif sample.method == "latin_hypercube" and earlier["count"] != sample.count:
            lines.append(
                f"caution: group {group} draws all its points anew: latin_hypercube spreads exactly {sample.count} "
                f"points and keeps none of the earlier {earlier['count']}; sobol and random keep them"
            )
        elif not _has_point(sample, [trial["factors"] for trial in trials if trial["group"] == group]):
            lines.append(
                f"caution: group {group} draws other points than before, though its sample is the same: another "
                "version of this program or of SciPy drew them"
            )
    return lines


def _has_point(sample: Sample, factors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the earlier trials has a point of the sample, or none of them was drawn."""
    drawn = [each for each in factors if each.keys() >= set(sample.space.paths)]
    return not drawn or any(sample.number_of(each) for each in drawn)
