"""Verdicts on runs that other tools have logged, which hold less than our own histories."""

from __future__ import annotations

from support.histories import EVALUATOR, against, windows

from gan_core.verdict.judge import judge
from gan_core.verdict.rules import MIN_IMAGES


def test_an_evaluation_may_be_a_frechet_distance_alone() -> None:
    """As other tools log them."""

    def verdict(*distances: float) -> str:
        rows = [{"step": 100 * index, f"frechet/{EVALUATOR}": each} for index, each in enumerate(distances)]
        return str(judge([*rows[:-1], rows[-1] | {"images/generator": MIN_IMAGES}], against()).name)

    assert verdict(300, 120, 60, 40, 30) == "stable"
    assert verdict(300, 60, 30, 200, 250) == "oscillating"
    assert verdict(300, 290, 295, 291, 294) == "saturated"
    assert verdict(300, 290, 260, 220, 180) == "unfinished", "it still falls"


def test_accuracies_that_are_rarer_than_losses_count_from_the_last_quarter_on() -> None:
    losses = windows([0.5] * 8, [1.0] * 6 + [2.0, 3.0])
    for row in losses[1:-1]:
        del row["accuracy/discriminator"]
    assert judge(losses, against()).name == "stable"
    losses[-1]["accuracy/discriminator"] = 1.0
    assert judge(losses, against()).name == "saturated"
    del losses[-1]["accuracy/discriminator"]
    assert judge(losses, against()).name == "stable"
