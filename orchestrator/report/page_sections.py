"""The sections of the page as plain data for its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gan_core import metric_names
from orchestrator.report import interactive_figures, leaderboard
from orchestrator.report.analysis import Analysis
from orchestrator.report.artifact_schemas import EvaluatorCard
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.leaderboard import Row
from orchestrator.report.template_filters import number, webp_uri

RowValue = Callable[[Row], float | None]
COLUMNS: dict[str, RowValue] = {
    "Frechet at the end": lambda row: row.final and row.final.mean,
    "Frechet at best": lambda row: row.best and row.best.mean,
    "worse since": lambda row: row.gap and row.gap.mean,
    "precision": lambda row: row.numbers[metric_names.PRECISION],
    "recall": lambda row: row.numbers[metric_names.RECALL],
    "classes covered": lambda row: row.numbers[metric_names.MODES],
    "asked class drawn": lambda row: row.numbers[metric_names.CLASS_AGREEMENT],
    "diversity": lambda row: row.numbers[metric_names.DIVERSITY_RATIO],
    "D accuracy": lambda row: row.numbers[metric_names.ACCURACY_DISCRIMINATOR],
    "ROC area": lambda row: row.numbers[metric_names.ACCURACY_AUC],
    "G loss": lambda row: row.numbers[metric_names.LOSS_GENERATOR],
    "D loss": lambda row: row.numbers[metric_names.LOSS_DISCRIMINATOR],
}
"""Title of a column of the leaderboard -> its value in a row."""


@dataclass(frozen=True)
class LeaderboardTable:
    """The rows that one evaluator measured, and the columns in which at least one of them has a value."""

    evaluator: EvaluatorCard | None
    rows: list[Row]
    columns: list[tuple[RowValue, str]]


def leaderboard_tables(data: SweepData, rows: list[Row]) -> list[LeaderboardTable]:
    """A table for each evaluator. Rows that nothing has measured yet stand in the first one."""
    evaluators = data.evaluators
    ids = list(evaluators) or [""]
    tables = []
    for evaluator in ids:
        members = [row for row in rows if (row.evaluator or ids[0]) == evaluator]
        columns = [(get, title) for title, get in COLUMNS.items() if any(get(row) is not None for row in members)]
        tables.append(LeaderboardTable(evaluators.get(evaluator), members, columns))
    return tables


def confirmed_rows(data: SweepData, rows: list[Row]) -> list[tuple[Row, Row]]:
    """(row of the selection, row on fresh seeds) for each configuration that was confirmed."""
    selected = {(row.configuration, row.evaluator): row for row in rows}
    confirmations = leaderboard.rows(data.confirmation)
    return [
        (selected[row.configuration, row.evaluator], row)
        for row in confirmations
        if (row.configuration, row.evaluator) in selected
    ]


def survival_figures(data: SweepData, analysis: Analysis) -> list[tuple[str, str]]:
    """(title, plotly figure as JSON) for every factor of the groups in which a run was not stable."""
    figures = []
    for group, factors in analysis.survival.items():
        last_step = max(run.steps for run in data.runs)
        for factor, curves in factors.items():
            parts = [group] if len(analysis.names) > 1 else []
            title = ": ".join([*parts, f"by {analysis.names[group][factor]}" if factor else "all runs"])
            figures.append((title, interactive_figures.survival_figure(title, curves, last_step).to_json()))
    return figures


def evaluator_text(card: EvaluatorCard) -> str:
    """What the numbers of an evaluator are computed from."""
    accuracy = "never tested" if card.accuracy is None else f"right on {card.accuracy:.1%} of test images"
    features = {
        "classifier": f"embedding of a classifier of these classes, {accuracy}",
        "random": "features of an untrained network",
        "inception": "Inception-v3's pool of 2048",
    }[card.features]
    compared = f" ({card.compared:,} of them for precision and recall)" if card.compared < card.samples else ""
    held_out = ""
    if scores := card.kept_out:
        held_out = (
            f" The {scores.count} images kept out have a Frechet distance of {number(scores.frechet)}, precision "
            f"{number(scores.precision)} and recall {number(scores.recall)}; fewer images score a larger distance."
        )
    return (
        f"{features} (weights {card.weights}); {card.samples:,} samples{compared} at fixed latents against the "
        f"{card.real:,} images of the {card.split} part; images as {card.preprocessing}.{held_out}"
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
