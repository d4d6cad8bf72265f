"""Plotly figures of effects and survival. Figures that the reader can change are drawn by the page's scripts.

What the page writes beside a figure, or must measure, is in its `meta`: title; labels, of rows from below; legend, as
(name, colour) pairs; numbers, as the head and the rows of a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gan_core.verdict.names import VerdictName
from orchestrator.report.analysis import Analysis
from orchestrator.statistics.intervals import Change
from orchestrator.statistics.survival import SurvivalCurve

# Okabe and Ito's colour-blind-safe palette, without black; templates/curves.js has the same
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#8C564B")
SIGNIFICANT_COLOUR, OTHER_COLOUR = "#0072B2", "#888888"
OUTCOME_COLOURS: dict[str, str] = {
    VerdictName.STABLE: "#009E73",
    VerdictName.DIVERGED: "#D55E00",
    VerdictName.COLLAPSED: "#CC79A7",
    VerdictName.SATURATED: "#E69F00",
    VerdictName.OSCILLATING: "#0072B2",
    VerdictName.UNFINISHED: "#6A5ACD",
}
STABLE_TITLE = "Stable runs, percentage points"
WINS_TITLE = "Better images, % of pairs (50: no difference)"
RATIO_TITLE = "Frechet distance of the runs that drew, ratio (below 1 is better)"


def effects_figures(analysis: Analysis) -> list[tuple[str, go.Figure]]:
    """(title, figure) of the effects on stability, on which images are better, and on the Frechet distance."""
    if not analysis.effects:
        return []
    has_groups = len(analysis.names) > 1
    effects = analysis.effects[::-1]  # plotly draws from below
    labels = [f"{analysis.label(effect)}{f' ({effect.group})' if has_groups else ''}" for effect in effects]
    stable = [(in_percent(effect.stable), effect.stable_holds) for effect in effects]
    wins = [(effect.wins and in_percent(effect.wins), effect.images_hold) for effect in effects]
    ratios = [(effect.ratio, effect.images_hold) for effect in effects]
    figures = [_effects_figure(STABLE_TITLE, labels, stable, 0)]
    figures[0].update_xaxes(range=[-106, 106])
    if any(change for change, _ in wins):
        figures.append(_effects_figure(WINS_TITLE, labels, wins, 50))
        figures[-1].update_xaxes(range=[-3, 103])
    if any(change for change, _ in ratios):
        figures.append(_effects_figure(RATIO_TITLE, labels, ratios, 1))
        half = ratio_reach([change for change, _ in ratios if change])
        figures[-1].update_xaxes(type="log", range=[-half, half], tickvals=ratio_ticks(half))
    return [(figure.layout.meta["title"], figure) for figure in figures]


def ratio_reach(ratios: Sequence[Change]) -> float:
    """The half of a range, in powers of ten, that shows all means, and at least a part of each interval."""
    means = [abs(math.log10(change.mean)) for change in ratios]
    ends = [abs(math.log10(end)) for change in ratios for end in (change.low, change.high) if 0 < end < math.inf]
    return max(0.05, 1.2 * max(means), min(1.1 * max(ends, default=0.0), max(0.5, 3 * max(means))))


def ratio_ticks(half: float) -> list[float]:
    """Ratios to write on such an axis, all of them on it."""
    scales = ((0.15, (1.1, 1.2, 1.3, 1.4)), (0.6, (1.2, 1.5, 2, 3)), (1.5, (2, 5, 10)), (math.inf, (10, 100, 1000)))
    above = next(ticks for end, ticks in scales if half < end)
    shown = [tick for tick in above if math.log10(tick) < half]
    return [*(float(f"{1 / tick:.2g}") for tick in reversed(shown)), 1.0, *shown]


def _effects_figure(
    title: str, labels: list[str], changes: Sequence[tuple[Change | None, bool]], nothing: float
) -> go.Figure:
    """`nothing`: where a level that changes nothing is."""
    known = [(label, change, holds) for label, (change, holds) in zip(labels, changes, strict=True) if change]
    figure = go.Figure(_dots(known))
    figure.add_vline(x=nothing, line={"color": "rgba(128,128,128,0.6)", "width": 1})
    figure.update_layout(template="none", meta={"title": title, "labels": [label for label, _, _ in known]})
    return figure


def in_percent(change: Change) -> Change:
    return change._replace(mean=100 * change.mean, low=100 * change.low, high=100 * change.high)


def _dots(known: list[tuple[str, Change, bool]]) -> go.Scatter:
    """One dot a row, blue if the effect is significant. With one seed there is no interval to draw."""
    reach = [(c.mean - c.low, c.high - c.mean) if c.pairs > 1 else (0.0, 0.0) for _, c, _ in known]
    return go.Scatter(
        y=list(range(len(known))),
        text=[label for label, _, _ in known],
        x=[change.mean for _, change, _ in known],
        mode="markers",
        marker={"size": 9, "color": [SIGNIFICANT_COLOUR if holds else OTHER_COLOUR for _, _, holds in known]},
        error_x={
            "type": "data",
            "symmetric": False,
            "arrayminus": [below for below, _ in reach],
            "array": [above for _, above in reach],
            "thickness": 1.5,
            "color": OTHER_COLOUR,
        },
        hovertemplate="%{text}: %{x:.3g}<extra></extra>",
    )


def survival_figure(title: str, curves: dict[str, SurvivalCurve]) -> go.Figure:
    """The share of runs without an event against the step, with 95% bands, one colour for each level."""
    figure = go.Figure()
    for number, (level, curve) in enumerate(curves.items()):
        colour = PALETTE[number % len(PALETTE)]
        band = {"mode": "lines", "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "showlegend": False}
        if curve.low:
            figure.add_trace(go.Scatter(x=curve.steps, y=curve.high, **band))
            figure.add_trace(go.Scatter(x=curve.steps, y=curve.low, fill="tonexty", fillcolor=_faint(colour), **band))
        figure.add_trace(
            go.Scatter(
                x=curve.steps,
                y=curve.surviving,
                mode="lines",
                line={"color": colour, "width": 2, "shape": "hv"},
                name=_had_event(level, curve),
                hovertemplate="step %{x}: %{y:.0%} without an event<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_layout(
        template="none",
        meta={
            "title": title,
            "legend": [
                (_had_event(level, curve), PALETTE[number % len(PALETTE)])
                for number, (level, curve) in enumerate(curves.items())
            ],
            "numbers": _survival_numbers(curves),
        },
        xaxis={"title": {"text": "step"}, "rangemode": "tozero"},
        yaxis={"range": [-0.03, 1.03], "tickformat": ".0%"},
    )
    return figure


def _had_event(level: str, curve: SurvivalCurve) -> str:
    return f"{level}: {curve.events} of {curve.runs} had an event"


def _survival_numbers(curves: dict[str, SurvivalCurve]) -> dict[str, Any]:
    """The table of the shares at the end of each curve."""
    rows = []
    for level, curve in curves.items():
        certainty = f" ({curve.low[-1]:.0%} to {curve.high[-1]:.0%})" if curve.low else ""
        rows.append(
            [level, f"{curve.events} of {curve.runs}", f"{curve.surviving[-1]:.0%}{certainty}", curve.steps[-1]]
        )
    return {"head": ["runs", "had an event", "without an event at the end (95% interval)", "last step"], "rows": rows}


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
