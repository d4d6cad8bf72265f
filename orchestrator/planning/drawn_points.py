"""What becomes of the points of a group that was drawn before, now that its `sample:` asks for something else."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.sweepfile.sample import Sample, SampleDocument


def redrawn_lines(before: Mapping[str, SampleDocument], now: Mapping[str, Sample]) -> list[str]:
    """A line for each group whose points are drawn anew: its earlier trials leave the sweep.

    `before`: of the last command. A larger or smaller count of the same draw is none, unless its method is one that
    spreads the points for exactly their number.
    """
    lines = []
    for group, sample in now.items():
        document = sample.to_document()
        earlier = before.get(group)
        if earlier is None or earlier == document:
            continue
        changed = [name for name in ("dimensions", "method", "seed") if earlier.get(name) != document.get(name)]
        if changed:
            lines.append(
                f"caution: group {group} draws all its points anew: {' and '.join(changed)} of its sample changed"
            )
        elif sample.method == "latin_hypercube":
            lines.append(
                f"caution: group {group} draws all its points anew: latin_hypercube spreads exactly {sample.count} "
                f"points and keeps none of the earlier {earlier['count']}; sobol and random keep them"
            )
    return lines
