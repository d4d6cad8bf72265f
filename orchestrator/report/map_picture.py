"""The map of stability as a picture, drawn with matplotlib: a row of two panels for each slice."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from orchestrator.report.map_figures import HALF, INK, LOST, STABLE, distance_ticks, outcome_colour, reach_of
from orchestrator.report.map_slices import MapContent, Slice, Trial
from orchestrator.space import Interval
from orchestrator.statistics.stability_map import LINES, SURE

ROW_INCHES = 4.0


def draw(content: MapContent) -> Figure:
    """P(stable) to the left, the Frechet distance to the right, if enough runs drew."""
    columns = 2 if content.map.surface else 1
    figure = Figure(figsize=(5.2 * columns + 0.4, ROW_INCHES * len(content.slices) + 0.5), layout="constrained")
    panels = figure.subplots(len(content.slices), columns, squeeze=False)
    for row, part in zip(panels, content.slices, strict=True):
        _stability(row[0], content, part)
        if part.distance is not None:
            _distance(figure, row[1], content, part)
    found = [panel.get_legend_handles_labels() for panel in figure.axes]
    by_label = {label: handle for handles, labels in found for handle, label in zip(handles, labels, strict=True)}
    figure.legend(by_label.values(), by_label, loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    return figure


def _stability(panel: Any, content: MapContent, part: Slice) -> None:
    _axes(panel, content, f"P(stable){_at(content, part)}")  # first: the places of labels depend on the scales
    colours = LinearSegmentedColormap.from_list("stable", [LOST, HALF, STABLE])
    panel.pcolormesh(content.xs, content.ys, part.stable, cmap=colours, vmin=0, vmax=1, shading="gouraud")
    panel.contour(content.xs, content.ys, part.above_half, [1 - SURE, SURE], colors=INK, linestyles=":", linewidths=0.9)
    lines = panel.contour(content.xs, content.ys, part.stable, LINES, colors=INK, linewidths=1.3)
    panel.clabel(lines, fmt=lambda share: f"{share:.0%}", fontsize=8)
    _trials(panel, content, part.trials)


def _distance(figure: Figure, panel: Any, content: MapContent, part: Slice) -> None:
    assert part.distance is not None
    shown = np.where(part.stable >= 0.5, np.log10(part.distance), np.nan)
    drew = tuple(trial for trial in part.trials if trial.run.to_result().drew)
    low, high = reach_of(shown, drew)
    mesh = panel.pcolormesh(content.xs, content.ys, shown, cmap="cividis_r", vmin=low, vmax=high, shading="nearest")
    ticks = distance_ticks(low, high)
    figure.colorbar(mesh, ax=panel, ticks=np.log10(ticks), shrink=0.9).ax.set_yticklabels(
        [f"{tick:g}" for tick in ticks]
    )
    _trials(panel, content, drew)
    _axes(panel, content, f"Frechet distance where P(stable) is above 50%{_at(content, part)}")


def _trials(panel: Any, content: MapContent, trials: tuple[Trial, ...]) -> None:
    for outcome in dict.fromkeys(trial.run.outcome for trial in trials):
        runs = [trial.run for trial in trials if trial.run.outcome == outcome]
        panel.scatter(
            [run.factors[content.across.path] for run in runs],
            [run.factors[content.up.path] for run in runs],
            marker="o" if outcome == "stable" else "X",
            color=outcome_colour(outcome),
            edgecolors="white",
            linewidths=0.6,
            s=34,
            label=outcome,
        )


def _at(content: MapContent, part: Slice) -> str:
    return f"\nat {content.label(part)}" if part.fixed else ""


def _axes(panel: Any, content: MapContent, title: str) -> None:
    for dimension, axis in ((content.across, panel.xaxis), (content.up, panel.yaxis)):
        if isinstance(dimension, Interval) and dimension.is_log:
            axis.axes.set(**{f"{axis.axis_name}scale": "log"})
            axis.set_major_locator(LogLocator(10, subs=(1.0,) if dimension.high / dimension.low > 30 else (1, 2, 5)))
            axis.set_minor_formatter(NullFormatter())
        axis.axes.set(**{f"{axis.axis_name}lim": (dimension.low, dimension.high)})
        axis.set_label_text(content.names[dimension.path])
    panel.set_title(title, fontsize=9)
