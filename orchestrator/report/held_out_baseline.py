"""What as many real images reach as were held out: the baseline beside every measured quality."""

from __future__ import annotations

from typing import NamedTuple

from gan_core import metric_names
from orchestrator.report.data import QUALITY_CURVES, SweepData


class Baseline(NamedTuple):
    """`value`: of real images in one metric. `text`: which ones they are."""

    value: float
    text: str


def baselines(data: SweepData) -> dict[str, Baseline]:
    """Name of a quality metric that has curves -> what held-out real images reach in it; each evaluator has its own."""
    return {
        metric_names.of_evaluator(name, evaluator): Baseline(value, held_out_text(card.kept_out.count))
        for evaluator, card in data.evaluators.items()
        if card.kept_out
        for name in QUALITY_CURVES
        if (value := getattr(card.kept_out, name)) is not None
    }


def frechet_baselines(data: SweepData) -> list[Baseline]:
    """The Frechet distance of held-out real images, for each evaluator; if there are several, `text` names them."""
    several = len(data.evaluators) > 1
    return [
        Baseline(card.kept_out.frechet, held_out_text(card.kept_out.count) + (f" ({evaluator})" if several else ""))
        for evaluator, card in data.evaluators.items()
        if card.kept_out
    ]


def held_out_text(count: int) -> str:
    return f"{count:,} real images, held out"
