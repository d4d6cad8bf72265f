"""The page's section with the map of stability, as plain data for the template."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from orchestrator.formatting import format_level
from orchestrator.report.map_figures import map_figures
from orchestrator.report.map_slices import MapContent
from orchestrator.report.map_words import RangeRow, range_rows


@dataclass(frozen=True)
class SliceSection:
    """choice: the numbers of the chosen options, `0 2`. figures: (title, plotly figure as JSON)."""

    choice: str
    figures: list[tuple[str, str]]
    rows: list[RangeRow]


@dataclass(frozen=True)
class MapSection:
    """choices: (name of a setting, values at which there are slices) of each that is neither across nor up.

    command: that answers for a point.
    """

    across: str
    up: str
    choices: list[tuple[str, list[str]]]
    slices: list[SliceSection]
    command: str


def of_content(content: MapContent, file: str) -> MapSection:
    """file: of the sweep."""
    paths = content.map.space.paths[2:]
    values = [list(map(format_level, each)) for each in content.options]
    numbers = product(*(range(len(each)) for each in values))  # in the order of the slices
    slices = [
        SliceSection(
            " ".join(map(str, choice)),
            [(title, figure.to_json()) for title, figure in map_figures(content, part)],
            range_rows(content, part),
        )
        for choice, part in zip(numbers, content.slices, strict=True)
    ]
    at = " ".join(f"--at {path}={format_level(value)}" for path, value in content.map.safest.items())
    names = content.names
    return MapSection(
        names[content.across.path],
        names[content.up.path],
        [(names[path], options) for path, options in zip(paths, values, strict=True)],
        slices,
        f"orchestrate map {file} {at}",
    )
