"""The section of a search on the page: how the best came about, distance against each setting, and the top few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from orchestrator.formatting import format_level, short_names
from orchestrator.report.interactive_figures import OTHER_COLOUR, PALETTE
from orchestrator.report.search_content import SearchContent, SearchedRun, distance_of, estimate_of
from orchestrator.report.search_words import with_interval
from orchestrator.space import Choice, Dimension, Interval
from orchestrator.statistics.intervals import Share, wilson_share

TOP = 6
"""Settings in the table."""
KINDS = (
    ("stable", PALETTE[0], "circle"),
    ("stable, a repeated setting", PALETTE[2], "diamond"),
    ("not stable", PALETTE[1], "x"),
    ("stopped", OTHER_COLOUR, "triangle-right-open"),
)
"""Of trials: name, colour, symbol."""


@dataclass(frozen=True)
class TopRow:
    """One of the best settings: runs: distances of its stable runs; estimate: from all runs of the search."""

    configuration: str
    stable: Share
    keeps: bool
    share: float
    runs: str
    mean: str
    estimate: str


def top_rows(search: SearchContent) -> list[TopRow]:
    rows = []
    for candidate in search.named[:TOP]:
        tried, own = candidate.tried, distance_of(candidate.tried.runs)
        distances = [run.final for run in tried.stable if run.final is not None]
        rows.append(
            TopRow(
                candidate.configuration,
                wilson_share(len(tried.stable), len(tried.judged)),
                candidate.keeps(search.required),
                candidate.share,
                ", ".join(f"{distance:.3g}" for distance in distances),
                with_interval(own).replace("95% interval ", "") if own else "–",
                f"{estimate_of(candidate):.3g}",
            )
        )
    return rows


def figures(search: SearchContent) -> list[tuple[str, go.Figure]]:
    """(title, figure): the progress of the search, then the distance against each of its settings."""
    if not any(run.distance for run in search.runs):
        return []
    names = short_names(list(search.space.paths))
    made = [("Trials of the search in their order", _progress(search))]
    for dimension in search.space.dimensions:
        made.append((f"Frechet distance against {names[dimension.path]}", _against(search, dimension, names)))
    for title, figure in made:
        figure.update_layout(
            template="none",
            meta={
                "title": title,
                "legend": [(name, colour) for name, colour, _ in KINDS if any(_kind(r) == name for r in search.runs)],
                "numbers": {"head": ["trial", "settings", "Frechet distance", "is"], "rows": _numbers(search)},
            },
            yaxis={"type": "log", "nticks": 6, "title": {"text": "Frechet distance"}},
        )
    for _, figure in made[1:]:
        figure.update_layout(meta={**figure.layout.meta, "numbers": None})
    return made


def _kind(run: SearchedRun) -> str:
    if run.result.stopped:
        return "stopped"
    if not run.result.stable:
        return "not stable"
    return "stable, a repeated setting" if run.repeats else "stable"


def _numbers(search: SearchContent) -> list[list[str]]:
    return [
        [f"{each.number}", each.run.configuration, f"{each.distance:.3g}" if each.distance else "–", _kind(each)]
        for each in search.runs
    ]


def _dots(runs: list[SearchedRun], xs: list[Any]) -> list[go.Scatter]:
    dots = []
    for name, colour, symbol in KINDS:
        chosen = [(x, run) for x, run in zip(xs, runs, strict=True) if _kind(run) == name and run.distance]
        if chosen:
            dots.append(
                go.Scatter(
                    x=[x for x, _ in chosen],
                    y=[run.distance for _, run in chosen],
                    text=[f"trial {run.number}, {run.run.name}: {run.run.outcome}" for _, run in chosen],
                    mode="markers",
                    name=name,
                    marker={"size": 8, "color": colour, "symbol": symbol},
                    hovertemplate="%{text}, %{y:.3g}<extra></extra>",
                )
            )
    return dots


def _progress(search: SearchContent) -> go.Figure:
    """Each trial, and the smallest distance of a stable run so far."""
    best, line = float("inf"), []
    for run in search.runs:
        if run.result.stable and run.distance is not None:
            best = min(best, run.distance)
        line.append((run.number, best))
    known = [(number, value) for number, value in line if value < float("inf")]
    lowest = go.Scatter(
        x=[number for number, _ in known],
        y=[value for _, value in known],
        mode="lines",
        line={"color": OTHER_COLOUR, "width": 1.5, "shape": "hv"},
        hovertemplate="the luckiest of %{x} trials: %{y:.3g}<extra></extra>",
    )
    figure = go.Figure([lowest, *_dots(search.runs, [run.number for run in search.runs])])
    figure.update_layout(xaxis={"title": {"text": "trial"}, "rangemode": "tozero"})
    return figure


def _against(search: SearchContent, dimension: Dimension, names: dict[str, str]) -> go.Figure:
    values = [run.run.factors[dimension.path] for run in search.runs]
    axis: dict[str, Any] = {"title": {"text": names[dimension.path]}}
    if isinstance(dimension, Choice):
        texts = [format_level(level) for level in dimension.levels]
        values = [texts.index(format_level(value)) for value in values]
        axis |= {"tickmode": "array", "tickvals": list(range(len(texts))), "ticktext": texts, "showgrid": False}
    elif isinstance(dimension, Interval) and dimension.is_log:
        axis |= {"type": "log", "exponentformat": "power", "dtick": 1}
    figure = go.Figure(_dots(search.runs, values))
    figure.update_layout(xaxis=axis)
    return figure
