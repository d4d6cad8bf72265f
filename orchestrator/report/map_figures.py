"""Charts of the map of stability: P(stable) with its lines, and the Frechet distance inside; a point is a trial."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

import numpy as np
import plotly.graph_objects as go

from orchestrator.formatting import format_level
from orchestrator.report.drawn_settings import value_text
from orchestrator.report.interactive_figures import OUTCOME_COLOURS
from orchestrator.report.map_slices import PLACES, MapContent, Slice, Trial
from orchestrator.space import Interval, Ordered
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.stability_map import LINES, SURE

LOST, HALF, STABLE = "#F2B48A", "#F7F7F5", "#8FBFE0"
"""Colours of P(stable) = 0, 50% and 100%: pale, so that trials are seen on them."""
INK = "#20262C"
"""Of lines on these colours, in the light and in the dark theme."""
FAILED_COLOUR = "#555555"
TABLE_PLACES = tuple(range(0, PLACES, 8))
"""Places that stand in the table of a chart."""
CLICK = "trial"
"""In a figure's meta: a click on a point opens the samples of the trial whose number is its custom data."""


def map_figures(content: MapContent, part: Slice) -> list[tuple[str, go.Figure]]:
    """(title, figure) of a slice: of P(stable), and of the distance if it is known."""
    label = f" at {content.label(part)}" if part.fixed else ""
    figures = [(f"P(stable){label}", _of_stability(content, part, f"P(stable){label}"))]
    if part.distance is not None:
        title = f"Frechet distance where P(stable) is above 50%{label}"
        figures.append((title, _of_distance(content, part, title, part.distance)))
    return figures


def outcome_colour(outcome: str) -> str:
    return OUTCOME_COLOURS.get(outcome, FAILED_COLOUR)


def _of_stability(content: MapContent, part: Slice, title: str) -> go.Figure:
    axes = {"x": content.xs, "y": content.ys}
    line = {"contours_coloring": "none", "showscale": False, "hoverinfo": "skip", **axes}
    low, middle, high = LINES
    surface = go.Contour(
        z=np.round(part.stable, 3),
        **axes,
        zmin=0,
        zmax=1,
        colorscale=[[0, LOST], [0.5, HALF], [1, STABLE]],
        contours={"coloring": "heatmap", "showlines": False, "start": low, "end": high, "size": middle - low},
        colorbar=_bar([0, 0.5, 1], ["0%", "50%", "100%"]),
        hovertemplate="%{x:.3g}, %{y:.3g}: stable with %{z:.0%}<extra></extra>",
    )
    lines = go.Contour(
        z=np.round(part.stable, 3),
        contours={
            "start": low,
            "end": high,
            "size": middle - low,
            "showlabels": True,
            "labelformat": ".0%",
            "labelfont": {"size": 11, "color": INK},
        },
        line={"color": INK, "width": 1.6},
        **line,
    )
    band = go.Contour(
        z=np.round(part.above_half, 3),
        contours={"start": 1 - SURE, "end": SURE, "size": 2 * SURE - 1},
        line={"color": INK, "width": 1, "dash": "dot"},
        **line,
    )
    figure = go.Figure([surface, band, lines, _points(content, part.trials)])
    numbers = {
        "head": [f"P(stable) at {content.names[content.up.path]}, {content.names[content.across.path]}:"]
        + [value_text(content.xs[place]) for place in TABLE_PLACES],
        "rows": [
            [value_text(content.ys[up]), *(f"{part.stable[up, across]:.0%}" for across in TABLE_PLACES)]
            for up in reversed(TABLE_PLACES)
        ],
    }
    return _laid_out(figure, content, title, _legend(part.trials), numbers)


def _of_distance(content: MapContent, part: Slice, title: str, distance: Array) -> go.Figure:
    inside = part.stable >= 0.5
    shown = np.where(inside, np.log10(distance), np.nan)
    known = [trial for trial in part.trials if trial.run.to_result().drew]
    low, high = reach_of(shown, known)
    ticks = distance_ticks(low, high)
    surface = go.Contour(
        x=content.xs,
        y=content.ys,
        z=[[None if np.isnan(value) else round(float(value), 3) for value in row] for row in shown],
        zmin=low,
        zmax=high,
        colorscale="Cividis",
        reversescale=True,
        connectgaps=False,
        contours={"coloring": "heatmap", "showlines": False},
        line={"width": 0},
        colorbar=_bar([log10(tick) for tick in ticks], [format_level(tick) for tick in ticks]),
        text=[[f"{10**value:.3g}" if not np.isnan(value) else "" for value in row] for row in shown],
        hovertemplate="%{x:.3g}, %{y:.3g}: %{text}<extra></extra>",
    )
    figure = go.Figure([surface, _points(content, tuple(known))])
    numbers = {
        "head": [f"Frechet at {content.names[content.up.path]}, {content.names[content.across.path]}:"]
        + [value_text(content.xs[place]) for place in TABLE_PLACES],
        "rows": [
            [value_text(content.ys[up])]
            + [f"{distance[up, across]:.3g}" if inside[up, across] else "–" for across in TABLE_PLACES]
            for up in reversed(TABLE_PLACES)
        ],
    }
    return _laid_out(figure, content, title, _legend(part.trials), numbers)


def _legend(trials: tuple[Trial, ...]) -> list[tuple[str, str]]:
    return [(outcome, outcome_colour(outcome)) for outcome in dict.fromkeys(trial.run.outcome for trial in trials)]


def _points(content: MapContent, trials: tuple[Trial, ...]) -> go.Scatter:
    """Stable ones are circles, others crosses: colours alone are not for everybody."""
    runs = [trial.run for trial in trials]
    finals = [run.to_result().final for run in runs]
    return go.Scatter(
        x=[run.factors[content.across.path] for run in runs],
        y=[run.factors[content.up.path] for run in runs],
        customdata=[trial.number for trial in trials],
        text=[
            f"{run.name}: {run.outcome}{f', Frechet {final:.3g}' if final is not None else ''}"
            for run, final in zip(runs, finals, strict=True)
        ],
        mode="markers",
        marker={
            "size": [9 if run.outcome == "stable" else 8 for run in runs],
            "symbol": ["circle" if run.outcome == "stable" else "x" for run in runs],
            "color": [outcome_colour(run.outcome) for run in runs],
            "line": {"color": "#FFFFFF", "width": 1},
        },
        hovertemplate="%{text}<extra></extra>",
    )


def reach_of(shown: Array, known: Sequence[Trial]) -> tuple[float, float]:
    values = shown[~np.isnan(shown)]
    finals = [trial.run.to_result().final for trial in known]
    both = [*values.tolist(), *(log10(final) for final in finals if final)]
    low, high = (min(both), max(both)) if both else (0.0, 1.0)
    return low, max(high, low + 0.05)


def distance_ticks(low: float, high: float) -> list[float]:
    """Three to six round distances between the powers of ten."""
    steps = (1, 2, 5) if high - low > 0.9 else (1, 1.5, 2, 3, 5, 7)
    powers = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    ticks = [float(f"{step * 10.0**power:.2g}") for power in powers for step in steps]
    inside = [tick for tick in ticks if low <= log10(tick) <= high]
    return inside or [float(f"{10 ** ((low + high) / 2):.3g}")]


def _bar(values: list[float], texts: list[str]) -> dict[str, Any]:
    place = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 1.02, "yanchor": "bottom"}
    ticks = {"tickmode": "array", "tickvals": values, "ticktext": texts, "ticklabelposition": "outside top"}
    return {**place, **ticks, "thickness": 9, "len": 0.9, "outlinewidth": 0}


def _laid_out(
    figure: go.Figure, content: MapContent, title: str, legend: list[tuple[str, str]], numbers: dict[str, Any]
) -> go.Figure:
    names = content.names
    figure.update_layout(
        template="none",
        meta={"title": title, "legend": legend, "numbers": numbers, "click": CLICK},
        height=430,
        margin={"l": 68, "r": 18, "t": 46, "b": 48},
        xaxis={"title": {"text": names[content.across.path]}, "showgrid": False, **axis(content.across)},
        yaxis={"title": {"text": names[content.up.path], "standoff": 6}, "showgrid": False, **axis(content.up)},
    )
    return figure


def axis(dimension: Ordered) -> dict[str, Any]:
    """An axis from one end of a setting's range to the other, with a little room for points on its ends."""
    is_log = isinstance(dimension, Interval) and dimension.is_log
    low, high = (log10(dimension.low), log10(dimension.high)) if is_log else (dimension.low, dimension.high)
    room = 0.015 * (high - low)
    ticks: dict[str, Any] = {"exponentformat": "power", "dtick": 1 if high - low > 1.5 else "D2"} if is_log else {}
    return {"type": "log" if is_log else "linear", "range": [low - room, high + room], **ticks}
