"""Curves: what was collected -> plotly figures."""

from __future__ import annotations

import plotly.graph_objects as go

from orchestrator.report.collect import RunData, SweepData

# Okabe and Ito's colour-blind-safe palette, without black
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A00", "#8C564B")
DASHES = ("solid", "dash", "dot", "dashdot")


def curve_figure(data: SweepData, group: str, metric: str, title: str) -> go.Figure | None:
    """All runs of a group, a colour a configuration, a dash a seed; None if nothing was measured.

    The frame fits the runs that did not diverge: those that did leave it.
    """
    runs = [run for run in data.runs if run.group == group and run.curves.get(metric)]
    if not runs:
        return None
    configurations = list(dict.fromkeys(run.configuration for run in runs))
    seeds = sorted({run.seed for run in runs})
    figure = go.Figure()
    for run in runs:
        number = configurations.index(run.configuration)
        figure.add_trace(_curve(run, metric, number, seeds.index(run.seed)))
    figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        xaxis={"title": {"text": "step"}, "rangemode": "tozero"},
        yaxis={"range": _frame(runs, metric)},
        showlegend=False,
        hovermode="closest",
        height=300,
        margin={"l": 48, "r": 12, "t": 40, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12},
    )
    figure.update_xaxes(gridcolor="rgba(128,128,128,0.25)", zeroline=False)
    figure.update_yaxes(gridcolor="rgba(128,128,128,0.25)", zeroline=False)
    return figure


def _frame(runs: list[RunData], metric: str) -> list[float] | None:
    """The range of the runs that did not diverge and some room; None (plotly's own) if all did or none did."""
    kept = [run for run in runs if run.outcome != "diverged"]
    if not kept or len(kept) == len(runs):
        return None
    values = [value for run in kept for _, value in run.curves[metric]]
    room = 0.08 * (max(values) - min(values)) or 1.0
    return [min(values) - room, max(values) + room]


def _curve(run: RunData, metric: str, configuration: int, seed: int) -> go.Scatter:
    steps, values = zip(*run.curves[metric], strict=True)
    return go.Scatter(
        x=steps,
        y=values,
        mode="lines",
        name=f"{run.name} ({run.outcome})",
        line={"color": PALETTE[configuration % len(PALETTE)], "width": 1.6, "dash": DASHES[seed % len(DASHES)]},
        hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
    )


def legend(data: SweepData, group: str) -> list[tuple[str, str]]:
    """(configuration, colour) as the curves of a group have them."""
    configurations = dict.fromkeys(run.configuration for run in data.runs if run.group == group)
    return [(name, PALETTE[number % len(PALETTE)]) for number, name in enumerate(configurations)]
