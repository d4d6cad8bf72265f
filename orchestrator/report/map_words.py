"""The map of stability in words: sentences of the answer, and the rows of its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from orchestrator.formatting import count_of, format_level, format_ratio
from orchestrator.report.drawn_settings import value_text
from orchestrator.report.map_slices import MapContent, Slice, values_of
from orchestrator.space import Interval
from orchestrator.statistics.stability_map import LINES, SURE, near_certain, parts_of_space

Mask = npt.NDArray[np.bool_]
PLACES = 201
"""Values of the setting across at which the ends of ranges are looked for."""
TABLE_ROWS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Positions of the setting up in the table."""
SENTENCE_ROWS = (1 / 6, 0.5, 5 / 6)
"""Those of which the answer tells."""


@dataclass(frozen=True)
class RangeRow:
    """At a value of the setting up, the ranges of the one across: where P(stable) is expected to be 90% or more, where
    that is sure, where the 50% line can be, and where P(stable) is expected to be 10% or less."""

    up: str
    stable: str
    surely: str
    half: str
    lost: str


def range_rows(content: MapContent, part: Slice) -> list[RangeRow]:
    """From the highest value up to the lowest, as the picture has them."""
    return [_row(content, part, position) for position in reversed(TABLE_ROWS)]


def _row(content: MapContent, part: Slice, position: float) -> RangeRow:
    belief = content.map.model.belief(content.grid(np.linspace(0, 1, PLACES), np.array([position]), part.fixed))
    chance, above_half = belief.probability(), belief.above(0.5)
    xs = values_of(content.across, PLACES)
    masks = (
        chance >= LINES[-1],
        belief.above(LINES[-1]) >= SURE,
        (above_half > 1 - SURE) & (above_half < SURE),
        chance <= LINES[0],
    )
    stable, surely, half, lost = (_ranges(xs, mask) for mask in masks)
    return RangeRow(
        value_text(values_of(content.up, PLACES)[round(position * (PLACES - 1))]), stable, surely, half, lost
    )


def _ranges(xs: list[float], mask: Mask) -> str:
    """`5e-4 to 3.1e-3 and 0.02 to 0.1`; `everywhere`, `nowhere`."""
    if mask.all():
        return "everywhere"
    ends = [(value_text(xs[first]), value_text(xs[last])) for first, last in _stretches(mask)]
    parts = [low if low == high else f"{low} to {high}" for low, high in ends]
    return " and ".join(parts) or "nowhere"


def _stretches(mask: Mask) -> Iterator[tuple[int, int]]:
    """(first, last) place of each stretch of places that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first, end - 1


def sentences(content: MapContent) -> list[str]:
    """What the map says, as far as it is known."""
    found, shares = content.map, content.map.shares
    runs = len(found.results)
    stable = sum(bool(result.stable) for result in found.results)
    lines = [
        f"As far as {count_of(runs, 'trial')} tell, of which {stable} {'was' if stable == 1 else 'were'} stable: "
        f"{parts_of_space(shares)}."
    ]
    if shares.stable:
        lines.append(_where(content))
    if 0 < stable < runs and (width := line_width(content)):
        lines.append(f"From the 90% line to the 10% line it is {width}.")
    if stable:
        safest = found.at(found.safest)
        lines.append(
            f"Safest is {_point(content, found.safest)}: {near_certain(safest.stable)} of runs are expected to be "
            f"stable (90% interval {near_certain(safest.low)} to {near_certain(safest.high)})."
        )
    else:
        lines.append("No setting is known to train stably. Unfinished runs may only have needed more steps.")
    if found.best and (distance := found.at(found.best).distance):
        middle, low, high = (f"{value:.3g}" for value in distance)
        lines.append(
            f"The smallest Frechet distance where runs are stable is expected at {_point(content, found.best)}: "
            f"{middle} (90% of runs {low} to {high})."
        )
    if content.unended:
        lines.append(f"{count_of(content.unended, 'trial')} of the map still to come.")
    return lines


def _where(content: MapContent) -> str:
    """`Stable with 90% or more: at lambda=31.6 for lr 5e-4 to 3e-3, at ...`, in the middle slice."""
    part = content.slices[len(content.slices) // 2]
    rows = [_row(content, part, position) for position in reversed(SENTENCE_ROWS)]
    across, up = content.names[content.across.path], content.names[content.up.path]
    told = [f"at {up}={row.up} {'' if row.stable.endswith('where') else f'for {across} '}{row.stable}" for row in rows]
    fixed = f" (with {content.label(part)})" if part.fixed else ""
    return f"Stable with 90% or more{fixed}: {'; '.join(told)}."


def line_width(content: MapContent) -> str:
    """How far the 10% line is from the 90% line along the setting across, in the middle of what the rows show."""
    part, xs = content.slices[len(content.slices) // 2], values_of(content.across, PLACES)
    widths = []
    for position in np.linspace(0, 1, 21).tolist():
        grid = content.grid(np.linspace(0, 1, PLACES), np.array([position]), part.fixed)
        chance = content.map.model.belief(grid).probability()
        between = (chance > LINES[0]) & (chance < LINES[-1])
        for first, last in _stretches(between):
            crosses = first > 0 and last < PLACES - 1 and (chance[first - 1] - 0.5) * (chance[last + 1] - 0.5) < 0
            widths += [(xs[first - 1], xs[last + 1])] if crosses else []
    if not widths:
        return ""
    name = content.names[content.across.path]
    if isinstance(content.across, Interval) and content.across.is_log:
        return f"a factor of {format_ratio(float(np.median([high / low for low, high in widths])))} in {name}"
    return f"{format_level(float(f'{np.median([high - low for low, high in widths]):.2g}'))} in {name}"


def _point(content: MapContent, settings: dict[str, Any]) -> str:
    return " ".join(f"{content.names[path]}={format_level(value)}" for path, value in settings.items())
