"""The pictures of report.md, drawn with matplotlib: effects, survival, curves, samples."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from gan_core.files import write_atomically
from gan_core.verdict.names import VerdictName
from orchestrator.formatting import format_level
from orchestrator.report import map_picture
from orchestrator.report.analysis import Analysis
from orchestrator.report.contact_sheet import contact_sheet
from orchestrator.report.content import ReportContent
from orchestrator.report.data import RunData, SweepData, curve_titles
from orchestrator.report.drawn_figures import TITLES
from orchestrator.report.drawn_settings import name_of
from orchestrator.report.held_out_baseline import baselines
from orchestrator.report.interactive_figures import (
    OTHER_COLOUR,
    OUTCOME_COLOURS,
    PALETTE,
    SIGNIFICANT_COLOUR,
    ratio_reach,
    ratio_ticks,
)
from orchestrator.report.page_data import thin
from orchestrator.space import Choice, Interval
from orchestrator.statistics.intervals import Change

MAX_SAMPLES = 24
MAX_POINTS = 40_000
"""Points of all curves in one panel. More would not be visible, and would take seconds to draw."""


def write(content: ReportContent, folder: Path) -> dict[str, str]:
    """Write the pictures for which there is data; returns name of the file -> title. Raises OSError."""
    data, analysis, found = content.data, content.analysis, content.map
    drawn = {
        "map.png": (
            "the map of stability: P(stable) and the Frechet distance",
            _png(map_picture.draw(found) if found else None),
        ),
        "effects.png": ("what each setting changed, with 95% intervals", _png(_effects(analysis))),
        "drawn.png": ("what each drawn setting does, with 95% bands", _png(_drawn(analysis))),
        "survival.png": ("the share of runs without an event against the step", _png(_survival(analysis))),
        "curves.png": (
            "losses, discriminator accuracy and quality of the runs, coloured by verdict",
            _png(_curves(data, [data.runs[number] for number in content.shown])),
        ),
        "samples.png": ("the last samples of the trials", contact_sheet(_samples(data))),
    }
    for name, (_, picture) in drawn.items():
        if picture:
            write_atomically(folder / name, picture)
        else:
            (folder / name).unlink(missing_ok=True)
    return {name: title for name, (title, picture) in drawn.items() if picture}


def _png(figure: Figure | None) -> bytes:
    if figure is None:
        return b""
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # names may be of any script
        canvas.draw()  # once; `savefig` would draw a second time, for the layout
    Image.fromarray(np.asarray(canvas.buffer_rgba())).save(buffer, format="PNG")
    return buffer.getvalue()


def _effects(analysis: Analysis) -> Figure | None:
    effects = analysis.effects
    if not effects:
        return None
    figure = Figure(figsize=(10, 1.2 + 0.32 * len(effects)), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharey=True)
    for row, effect in enumerate(effects):
        _dot(left, row, effect.stable, 100, effect.stable_holds)
        if effect.wins:
            _dot(middle, row, effect.wins, 100, effect.images_hold)
        if effect.ratio:
            _dot(right, row, effect.ratio, 1, effect.images_hold)
    has_groups = len(analysis.names) > 1
    left.set_yticks(
        range(len(effects)), [f"{e.group + '  ' if has_groups else ''}{analysis.label(e)}" for e in effects]
    )
    left.invert_yaxis()
    left.set(xlim=(-105, 105), xlabel="stable runs, percentage points")
    middle.set(xlim=(-3, 103), xlabel="better images, % of pairs\n(50: no difference)")
    right.set(xscale="log", xlabel="Frechet distance of the runs\nthat drew, ratio (below 1 is better)")
    if ratios := [effect.ratio for effect in effects if effect.ratio]:
        half = ratio_reach(ratios)
        right.set(xlim=(10**-half, 10**half))
        right.set_xticks(ratio_ticks(half), [f"{tick:g}" for tick in ratio_ticks(half)])
        right.minorticks_off()
    for panel, nothing in ((left, 0), (middle, 50), (right, 1)):
        panel.axvline(nothing, color="#999999", lw=0.8)
        panel.grid(axis="x", alpha=0.3)
    return figure


def _drawn(analysis: Analysis) -> Figure | None:
    """A panel for each drawn setting and outcome."""
    known = [effect for effect in analysis.drawn if effect.curve]
    if not known:
        return None
    figure, panels = _grid(len(known), height=2.6)
    for panel, effect in zip(panels, known, strict=False):
        assert effect.curve
        is_ratio, is_choice = effect.outcome == "frechet", isinstance(effect.dimension, Choice)
        middle, low, high = (np.exp(values) if is_ratio else values for values in effect.curve)
        colour = SIGNIFICANT_COLOUR if effect.holds else OTHER_COLOUR
        texts = list(map(format_level, effect.places)) if is_choice else []
        xs = range(len(texts)) if is_choice else effect.places
        if effect.has_band and is_choice:
            panel.vlines(xs, low, high, color=colour, lw=1.5)
        elif effect.has_band:
            panel.fill_between(xs, low, high, color=colour, alpha=0.18, lw=0)
        values = [texts.index(format_level(value)) - 0.18 if is_choice else value for value, _, _ in effect.observed]
        means = np.array([mean for _, mean, _ in effect.observed])
        panel.plot(values, np.exp(means) if is_ratio else means, ".", color=OTHER_COLOUR, ms=4)
        panel.plot(xs, middle, "o" if is_choice else "-", color=colour)
        if is_choice:
            panel.set_xticks(list(xs), texts)
        panel.set_title(f"{name_of(effect, analysis.names)}: {TITLES[effect.outcome]}", fontsize=9)
        if is_ratio:
            half = 1.05 * max(0.05, *np.abs(np.log10(np.exp(means))), *np.abs(np.log10(middle)))
            panel.set(yscale="log", ylim=(10**-half, 10**half))
            panel.set_yticks(ratio_ticks(half), [f"{tick:g}" for tick in ratio_ticks(half)])
            panel.minorticks_off()
        else:
            panel.set_ylim(-0.05, 1.05)
        if isinstance(effect.dimension, Interval) and effect.dimension.is_log:
            panel.set_xscale("log")
        panel.grid(alpha=0.25)
    return figure


def _dot(panel: Any, row: int, change: Change, unit: float, holds: bool) -> None:
    colour = SIGNIFICANT_COLOUR if holds else OTHER_COLOUR
    if np.isfinite(change.low):
        panel.plot([unit * change.low, unit * change.high], [row, row], color=colour, lw=1.5)
    panel.plot(unit * change.mean, row, "o", color=colour)


def _survival(analysis: Analysis) -> Figure | None:
    panels_data = [
        (group, factor, curves) for group, factors in analysis.survival.items() for factor, curves in factors.items()
    ]
    if not panels_data:
        return None
    figure, panels = _grid(len(panels_data), height=2.8)
    for panel, (group, factor, curves) in zip(panels, panels_data, strict=False):
        for number, (level, curve) in enumerate(curves.items()):
            colour, steps = PALETTE[number % len(PALETTE)], curve.steps
            if curve.low:
                panel.fill_between(steps, curve.low, curve.high, step="post", color=colour, alpha=0.12, lw=0)
            panel.step(
                steps, curve.surviving, where="post", color=colour, label=f"{level}: {curve.events} of {curve.runs}"
            )
        by = f"by {analysis.names[group][factor]}" if factor else "all runs"
        panel.set_title(f"{group}: {by}" if len(analysis.names) > 1 else by, fontsize=9)
        panel.set(ylim=(-0.03, 1.03), xlabel="step", ylabel="share without an event")
        panel.legend(fontsize=7, title="had an event", title_fontsize=7)
    return figure


def _curves(data: SweepData, shown: list[RunData]) -> Figure | None:
    measured = {metric for run in shown for metric in run.history}
    of_real_images = baselines(data)
    titles = {metric: title for metric, title in curve_titles(data).items() if metric in measured}
    if not titles:
        return None
    figure, panels = _grid(len(titles), height=2.5)
    points = min(400, max(40, MAX_POINTS // len(shown)))
    for panel, (metric, title) in zip(panels, titles.items(), strict=False):
        in_frame = []  # lines that the frame of the panel must fit
        for outcome in dict.fromkeys(run.outcome for run in shown):
            runs = [run for run in shown if run.outcome == outcome and metric in run.history]
            lines = [np.column_stack(thin(run.history[metric], points)) for run in runs]
            colour = OUTCOME_COLOURS.get(outcome, "#888888")
            panel.add_collection(LineCollection(lines, colors=colour, linewidths=0.9, alpha=0.7))
            in_frame += [line[:, 1] for line in lines] if outcome != VerdictName.DIVERGED else []
        if baseline := of_real_images.get(metric):
            panel.axhline(baseline.value, color="#888888", ls=":", lw=1.2)
            title = f"{title}\ndotted: {baseline.text}"
            in_frame += [np.array([baseline.value])] if in_frame else []
        panel.autoscale()
        if in_frame:
            values = np.concatenate(in_frame)
            margin = 0.08 * (values.max() - values.min()) or 1.0
            panel.set_ylim(values.min() - margin, values.max() + margin)
        panel.set_title(title, fontsize=9)
        panel.grid(alpha=0.25)
    outcomes = dict.fromkeys(run.outcome for run in shown)
    handles = [
        mpl.lines.Line2D([], [], color=OUTCOME_COLOURS.get(outcome, "#888888"), label=outcome) for outcome in outcomes
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize=8)
    return figure


def _samples(data: SweepData) -> list[tuple[str, bytes]]:
    """Caption and picture: real images, and what the trials drew last."""
    with_pictures = [run for run in data.runs if run.pictures]
    if any(run.sampled for run in with_pictures):  # different points tell more than the seeds of one
        seen = [run.seed for run in with_pictures]
        with_pictures.sort(key=lambda run: seen.index(run.seed))
    trained = with_pictures[:MAX_SAMPLES]
    drawn = [(f"{run.name}\n{run.outcome}, step {run.pictures[-1][0]}", run.pictures[-1][1]) for run in trained]
    return [*data.real, *drawn] if drawn else []


def _grid(count: int, height: float) -> tuple[Figure, list[Any]]:
    """A figure with `count` panels of `height` inches in rows of up to 3, and the panels.

    Its margins are fixed: to measure what they need, matplotlib draws everything twice.
    """
    columns = min(3, count)
    rows = -(-count // columns)
    width, height = 11 if columns > 2 else 5 * columns, height * rows + 0.4
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=0.6 / width,
        right=1 - 0.1 / width,
        top=1 - 0.4 / height,
        bottom=0.75 / height,
        wspace=0.2,
        hspace=0.35,
    )
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for panel in panels[count:]:
        panel.axis("off")
    return figure, panels
