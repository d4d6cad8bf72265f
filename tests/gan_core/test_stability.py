"""The verdict on a run, at and around every threshold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gan_core.history import Row
from gan_core.stability import COLLAPSE_RATIO, LOSS_LIMIT, SATURATED_ACCURACY, VERDICTS, judge

BELOW, ABOVE = COLLAPSE_RATIO - 1e-6, COLLAPSE_RATIO + 1e-6


def evaluations(*ratios: float) -> list[Row]:
    """An evaluation every 100 steps."""
    return [{"step": 100 * (i + 1), "diversity/ratio": ratio} for i, ratio in enumerate(ratios)]


def windows(accuracies: Sequence[float], losses: Sequence[float]) -> list[Row]:
    """A window every 10 steps."""
    return [
        {"step": 10 * (i + 1), "accuracy/discriminator": accuracy, "loss/generator": loss}
        for i, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True))
    ]


def quarters(accuracy: float, before: float, after: float) -> list[Row]:
    """Eight windows: the last quarter is the last two, from step 70."""
    return windows([0.5] * 6 + [accuracy] * 2, [9.0] * 4 + [before] * 2 + [after] * 2)


def test_run_without_an_event_is_stable() -> None:
    verdict = judge(quarters(0.7, 1.0, 1.1) + evaluations(0.9, 0.8), "bce")
    assert (verdict.name, verdict.since) == ("stable", None)
    assert verdict.evidence["diversity_ratio"] == 0.8
    assert verdict.evidence["accuracy"] == pytest.approx(0.7)


def test_empty_history_is_stable() -> None:
    assert judge([], "bce").name == "stable"


def test_divergence_is_named_by_step_and_tensor() -> None:
    verdict = judge(evaluations(0.1), "bce", diverged=(37, "weight of generator.layers.0.weight"))
    assert (verdict.name, verdict.since) == ("diverged", 37)
    assert "generator.layers.0.weight" in verdict.reason and "37" in verdict.reason
    assert verdict.evidence == {"step": 37, "tensor": "weight of generator.layers.0.weight"}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("sizes", "since"),
    [
        ((1.0, 1.0, LOSS_LIMIT), None),
        ((1.0, 1.0, LOSS_LIMIT * 1.001), 30),
        ((1.0, 5e3, 2e9), 20),
        ((5e3, 5e3, 5e3), 10),
        ((5e3, LOSS_LIMIT, 5e3), 30),
        ((5e3, 5e3, 1.0), None),
    ],
)
def test_loss_beyond_the_limit_at_the_end_is_divergence(sign: int, sizes: tuple[float, ...], since: int | None) -> None:
    name = "loss/discriminator"
    history: list[Row] = [{"step": 10 * (i + 1), name: sign * size} for i, size in enumerate(sizes)]
    verdict = judge(history + evaluations(0.9), "wasserstein")
    assert (verdict.name, verdict.since) == ("stable" if since is None else "diverged", since)
    if since is not None:
        assert "D's loss" in verdict.reason
        assert verdict.evidence == {name: sizes[-1]}


@pytest.mark.parametrize(
    ("ratio", "name"), [(BELOW, "collapsed"), (COLLAPSE_RATIO, "stable"), (ABOVE, "stable"), (0.0, "collapsed")]
)
@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
def test_collapse_is_a_diversity_below_the_ratio(ratio: float, name: str, loss: str) -> None:
    assert judge(evaluations(0.9, ratio), loss).name == name


@pytest.mark.parametrize(
    ("ratios", "since"),
    [
        ((0.9, 0.8, 0.1), 300),
        ((0.9, 0.1, 0.1), 200),
        ((0.1, 0.1, 0.1), 100),
        ((0.1, 0.9, 0.1), 300),
        ((0.1, COLLAPSE_RATIO, BELOW), 300),
        ((0.1, 0.1, 0.9), None),
    ],
)
def test_collapse_is_since_the_unbroken_run_below_the_ratio_began(ratios: tuple[float, ...], since: int | None) -> None:
    verdict = judge(evaluations(*ratios), "bce")
    assert verdict.since == since
    assert verdict.name == ("stable" if since is None else "collapsed")
    assert verdict.evidence["diversity_ratio"] == ratios[-1]


def test_collapse_is_seen_where_loss_and_accuracy_look_healthy() -> None:
    assert judge(quarters(0.78, 0.9, 0.86) + evaluations(0.9, 0.05), "bce").name == "collapsed"


@pytest.mark.parametrize(
    ("accuracy", "before", "after", "name"),
    [
        (SATURATED_ACCURACY, 1.0, 1.001, "saturated"),
        (1.0, 1.0, 5.0, "saturated"),
        (SATURATED_ACCURACY - 1e-6, 1.0, 5.0, "stable"),
        (1.0, 1.0, 1.0, "stable"),
        (1.0, 5.0, 4.9, "stable"),
    ],
)
def test_saturation_needs_both_a_sure_discriminator_and_a_rising_loss(
    accuracy: float, before: float, after: float, name: str
) -> None:
    verdict = judge(quarters(accuracy, before, after), "bce")
    assert verdict.name == name
    assert verdict.since == (70 if name == "saturated" else None)
    numbers = {"from_step": 70, "accuracy": accuracy, "loss_before": before, "loss_after": after}
    assert verdict.evidence == pytest.approx(numbers)


def test_saturation_looks_at_means_of_the_last_two_quarters_only() -> None:
    accuracies = [0.0] * 4 + [0.0, 0.0] + [0.98, 1.0]
    losses = [99.0] * 4 + [1.0, 3.0] + [1.5, 2.7]
    verdict = judge(windows(accuracies, losses), "bce")
    assert (verdict.name, verdict.since) == ("saturated", 70)
    assert verdict.evidence["loss_before"] == pytest.approx(2.0)
    assert verdict.evidence["loss_after"] == pytest.approx(2.1)


def test_quarter_of_a_length_that_four_does_not_divide_is_rounded_down() -> None:
    verdict = judge(windows([0.0] * 6 + [1.0], [0.0] * 5 + [1.0, 2.0]), "bce")
    assert (verdict.name, verdict.since) == ("saturated", 70)


def test_saturation_is_not_judged_on_fewer_than_four_windows() -> None:
    assert judge(windows([1.0] * 3, [1.0, 2.0, 3.0]), "bce").name == "stable"
    assert judge(windows([1.0] * 4, [1.0, 2.0, 3.0, 4.0]), "bce").name == "saturated"


def test_wasserstein_critic_cannot_saturate() -> None:
    verdict = judge(quarters(1.0, 1.0, 5.0), "wasserstein")
    assert (verdict.name, verdict.evidence) == ("stable", {})


def test_first_rule_that_holds_gives_the_verdict() -> None:
    saturated, collapsed = quarters(1.0, 1.0, 5.0), evaluations(0.1)
    names = [
        judge(saturated + collapsed, "bce", diverged=(3, "loss/generator")).name,
        judge(saturated + collapsed + [{"step": 90, "loss/discriminator": 1e6}], "bce").name,
        judge(saturated + collapsed, "bce").name,
        judge(saturated + evaluations(0.9), "bce").name,
        judge(quarters(0.5, 1.0, 1.0) + evaluations(0.9), "bce").name,
    ]
    assert names == ["diverged", "diverged", "collapsed", "saturated", "stable"]
    assert set(names) == set(VERDICTS)


def test_a_critics_offset_is_no_divergence() -> None:
    history: list[Row] = [{"step": 10 * (i + 1), "loss/generator": -5e3, "loss/discriminator": -2.0} for i in range(3)]
    assert judge(history + evaluations(0.9), "wasserstein").name == "stable"
