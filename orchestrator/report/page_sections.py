"""The sections of the page as plain data for its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gan_core import metric_names
from orchestrator.planning.classifier_accuracy import accuracy_text
from orchestrator.report import interactive_figures, leaderboard
from orchestrator.report.analysis import Analysis
from orchestrator.report.artifact_schemas import HeldOutScores, LoggedEvaluator
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.leaderboard import Row
from orchestrator.report.template_filters import number, webp_uri
from orchestrator.statistics.interactions import Interaction
from orchestrator.statistics.intervals import Change


class Column(NamedTuple):
    """A column of the leaderboard: its value in a row, and the same metric of real images that were held out.

    `about`: "quality" of the samples, or "training".
    """

    title: str
    of_row: Callable[[Row], float | None]
    of_real: Callable[[HeldOutScores], float | None] = lambda scores: None
    about: str = "quality"


def _typical(title: str, metric: str, of_real: Callable[[HeldOutScores], float | None] = lambda scores: None) -> Column:
    return Column(title, lambda row: row.numbers[metric], of_real)


def _of_training(title: str, metric: str) -> Column:
    return _typical(title, metric)._replace(about="training")


COLUMNS = (
    Column("Frechet at the end", lambda row: row.final and row.final.mean, lambda real: real.frechet),
    Column("Frechet at best", lambda row: row.best and row.best.mean, lambda real: real.frechet),
    Column("rise since best", lambda row: row.gap and row.gap.mean),
    _typical("Frechet of the raw generator", metric_names.raw(metric_names.FRECHET), lambda real: real.frechet),
    _typical("Frechet extrapolated", metric_names.FRECHET_INFINITY, lambda real: real.frechet_infinity),
    _typical("precision", metric_names.PRECISION, lambda real: real.precision),
    _typical("recall", metric_names.RECALL, lambda real: real.recall),
    _typical("classes covered", metric_names.MODES, lambda real: real.modes),
    _typical("asked class drawn", metric_names.CLASS_AGREEMENT, lambda real: real.class_agreement),
    _typical("recall of the weakest class", metric_names.CLASS_RECALL, lambda real: real.class_recall),
    _typical("authentic", metric_names.AUTHENTICITY, lambda real: real.authenticity),
    _typical("copies", metric_names.COPIED, lambda real: real.copied),
    _of_training("diversity", metric_names.DIVERSITY_RATIO),
    _of_training("D accuracy", metric_names.ACCURACY_DISCRIMINATOR),
    _of_training("ROC area", metric_names.ACCURACY_AUC),
    _of_training("G loss", metric_names.LOSS_GENERATOR),
    _of_training("D loss", metric_names.LOSS_DISCRIMINATOR),
)


@dataclass(frozen=True)
class LeaderboardTable:
    """The rows that one evaluator measured, and the columns in which at least one of them has a value."""

    evaluator: LoggedEvaluator | None
    rows: list[Row]
    columns: list[Column]


def leaderboard_tables(data: SweepData, rows: list[Row]) -> list[LeaderboardTable]:
    """A table for each evaluator. Rows that nothing has measured yet stand in the first one."""
    evaluators = data.evaluators
    ids = list(evaluators) or [""]
    tables = []
    for evaluator in ids:
        members = [row for row in rows if (row.evaluator or ids[0]) == evaluator]
        columns = [column for column in COLUMNS if any(column.of_row(row) is not None for row in members)]
        tables.append(LeaderboardTable(evaluators.get(evaluator), members, columns))
    return tables


def best_and_riskiest(rows: list[Row]) -> list[Row]:
    """The first and the last rows, at most six: of those with a run that tells of stability, if there is one."""
    judged = [row for row in rows if row.stable.total] or rows
    return judged if len(judged) <= 6 else judged[:3] + judged[-3:]


def confirmed_rows(data: SweepData, rows: list[Row]) -> list[tuple[Row, Row]]:
    """(row of the selection, row on fresh seeds) for each configuration that was confirmed."""
    selected = {(row.configuration, row.evaluator): row for row in rows}
    confirmations = leaderboard.rows(data.confirmation)
    return [
        (selected[row.configuration, row.evaluator], row)
        for row in confirmations
        if (row.configuration, row.evaluator) in selected
    ]


def survival_figures(analysis: Analysis) -> list[tuple[str, str]]:
    """(title, plotly figure as JSON) for every factor of the groups in which a run was not stable."""
    figures = []
    for group, factors in analysis.survival.items():
        for factor, curves in factors.items():
            parts = [group] if len(analysis.names) > 1 else []
            title = ": ".join([*parts, f"by {analysis.names[group][factor]}" if factor else "all runs"])
            figures.append((title, interactive_figures.survival_figure(title, curves).to_json()))
    return figures


def acting_together(analysis: Analysis) -> list[Interaction]:
    """The interactions in which a difference was seen."""
    return [interaction for interaction in analysis.interactions if abs(interaction.change.mean) > 1e-9]


def is_informative(change: Change) -> bool:
    """Whether the interval of an interaction leaves out some of what is possible, which is -2 to 2."""
    return change.pairs > 1 and (change.low > -1.99 or change.high < 1.99)


def evaluator_text(card: LoggedEvaluator) -> str:
    """What the numbers of an evaluator are computed from."""
    if card.features == "imported":
        return f"{card.weights}, as another tool has logged it; not comparable with any other evaluator"
    features = {
        "classifier": f"embedding of a classifier of these classes, {accuracy_text(card.accuracy, card.tested)}",
        "random": "features of an untrained network",
        "inception": "Inception-v3's pool of 2048",
        "dinov2": "class token of a DINOv2 ViT",
    }[card.features]
    compared = f" ({card.compared:,} of them for precision and recall)" if card.compared < card.samples else ""
    held_out = ""
    if scores := card.kept_out:
        held_out = (
            f" The {scores.count} images kept out have a Frechet distance of {number(scores.frechet)}, precision "
            f"{number(scores.precision)} and recall {number(scores.recall)}; fewer images score a larger distance."
        )
    searched = ""
    if card.training is not None:
        searched = f" Copies are looked for among {card.training:,} training images."
    return (
        f"{features} (weights {card.weights}); {card.samples:,} samples{compared} at fixed latents against the "
        f"{card.real:,} images of the {card.split} part; images as {card.preprocessing}.{held_out}{searched}"
    )


def galleries(data: SweepData) -> list[tuple[str, list[tuple[int, RunData]]]]:
    """(group, its runs that have sample grids, each with its number in `data.runs`)."""
    with_pictures = [(index, run) for index, run in enumerate(data.runs) if run.pictures]
    by_group = [(group, [pair for pair in with_pictures if pair[1].group == group]) for group in data.groups]
    return [(group, members) for group, members in by_group if members]


def earlier_samples(data: SweepData) -> dict[int, list[tuple[int, str]]]:
    """Number of a run in `data.runs` -> (step, picture as data URI) of its sample grids, by step.

    The last picture is "", since the page has it already. {} if no run has more than one.
    """
    if not any(len(run.pictures) > 1 for run in data.runs):
        return {}
    return {
        index: [(step, webp_uri(picture)) for step, picture in run.pictures[:-1]] + [(run.pictures[-1][0], "")]
        for index, run in enumerate(data.runs)
        if run.pictures
    }
