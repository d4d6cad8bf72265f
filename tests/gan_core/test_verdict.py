"""The verdict on a run, at and around every threshold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from gan_core import verdict
from gan_core.history import Row
from gan_core.verdict import (
    LEARNING_RATIO,
    MAX_LOSS,
    MIN_BEST_COVERAGE,
    MIN_COVERAGE_SHARE,
    MIN_DIVERSITY,
    MIN_MODES_SHARE,
    OSCILLATION_RATIO,
    RULES,
    SATURATED_ACCURACY,
    VERDICTS,
    best,
    judge,
)

BELOW, ABOVE = MIN_DIVERSITY - 1e-6, MIN_DIVERSITY + 1e-6
MINE, OTHER = "classifier-1a2b3c4d", "classifier-00000000"
WORST, FEW, SUFFICIENT, ALL = 1.0, MIN_MODES_SHARE * 10, MIN_MODES_SHARE * 10 + 1e-9, 10.0
"""Numbers of classes, where ten are expected: one, just too few, just enough, all."""


def evaluations(*ratios: float) -> list[Row]:
    """An evaluation every 100 steps."""
    return [{"step": 100 * (i + 1), "diversity/ratio": ratio} for i, ratio in enumerate(ratios)]


def measured(name: str, *values: float, ratio: float = 0.9) -> list[Row]:
    """Evaluations of samples as diverse as the data, that an evaluator measured too."""
    rows = evaluations(*[ratio] * len(values))
    return [row | {name: value} for row, value in zip(rows, values, strict=True)]


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
    assert verdict.evidence["diversity/ratio"] == 0.8
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
        ((1.0, 1.0, MAX_LOSS), None),
        ((1.0, 1.0, MAX_LOSS * 1.001), 30),
        ((1.0, 5e3, 2e9), 20),
        ((5e3, 5e3, 5e3), 10),
        ((5e3, MAX_LOSS, 5e3), 30),
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
    ("ratio", "name"), [(BELOW, "collapsed"), (MIN_DIVERSITY, "stable"), (ABOVE, "stable"), (0.0, "collapsed")]
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
        ((0.1, MIN_DIVERSITY, BELOW), 300),
        ((0.1, 0.1, 0.9), None),
    ],
)
def test_collapse_is_since_the_unbroken_run_below_the_ratio_began(ratios: tuple[float, ...], since: int | None) -> None:
    verdict = judge(evaluations(*ratios), "bce")
    assert verdict.since == since
    assert verdict.name == ("stable" if since is None else "collapsed")
    assert verdict.evidence["diversity/ratio"] == ratios[-1]
    if since is not None:
        assert f"{ratios[-1]:.0%} as diverse" in verdict.reason


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


@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
@pytest.mark.parametrize(
    ("last", "verdict"), [(WORST, "collapsed"), (FEW, "collapsed"), (SUFFICIENT, "stable"), (ALL, "stable")]
)
def test_collapse_is_too_few_classes(loss: str, last: float, verdict: str) -> None:
    found = judge(measured(f"modes/{MINE}", ALL, last), loss, MINE, expected_modes=10.0)
    assert (found.name, found.since) == (verdict, 200 if verdict == "collapsed" else None)
    assert found.evidence == {"diversity/ratio": 0.9, f"modes/{MINE}": last}
    if verdict == "collapsed":
        assert found.reason == f"the samples show {last:.0f} classes"


@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
@pytest.mark.parametrize(
    ("best_one", "last", "verdict"),
    [
        (MIN_BEST_COVERAGE, MIN_COVERAGE_SHARE * MIN_BEST_COVERAGE, "stable"),
        (MIN_BEST_COVERAGE, 0.999 * MIN_COVERAGE_SHARE * MIN_BEST_COVERAGE, "collapsed"),
        (0.999 * MIN_BEST_COVERAGE, 0.0, "stable"),  # what was never covered was not lost
        (0.9, MIN_COVERAGE_SHARE * 0.9, "stable"),
        (0.9, 0.999 * MIN_COVERAGE_SHARE * 0.9, "collapsed"),
        (0.9, 0.0, "collapsed"),
    ],
)
def test_collapse_is_a_coverage_far_below_its_best(loss: str, best_one: float, last: float, verdict: str) -> None:
    found = judge(measured(f"coverage/{MINE}", 0.0, best_one, last), loss, MINE)
    assert (found.name, found.since) == (verdict, 300 if verdict == "collapsed" else None)
    assert found.evidence == {"diversity/ratio": 0.9, f"coverage/{MINE}": last}
    if verdict == "collapsed":
        assert f"near {last:.1%} of the real images, after {best_one:.1%} at best" in found.reason


LOW, LEAST = 0.5 * MIN_COVERAGE_SHARE, MIN_COVERAGE_SHARE


@pytest.mark.parametrize(
    ("name", "values", "since"),
    [
        (f"modes/{MINE}", (ALL, FEW, WORST), 200),
        (f"modes/{MINE}", (ALL, ALL, WORST), 300),
        (f"modes/{MINE}", (WORST, WORST, WORST), 100),
        (f"modes/{MINE}", (WORST, SUFFICIENT, FEW), 300),
        (f"modes/{MINE}", (WORST, WORST, SUFFICIENT), None),
        (f"coverage/{MINE}", (1.0, LOW, 0.0), 200),
        (f"coverage/{MINE}", (1.0, LOW, LEAST, LOW), 400),
        (f"coverage/{MINE}", (LOW, 1.0, LOW, LOW), 300),
        (f"coverage/{MINE}", (LOW, LOW, 1.0), None),
    ],
)
def test_collapse_is_since_the_unbroken_run_of_too_little_began(
    name: str, values: tuple[float, ...], since: int | None
) -> None:
    found = judge(measured(name, *values), "bce", MINE, expected_modes=10.0)
    assert (found.name, found.since) == ("stable" if since is None else "collapsed", since)


def test_earliest_of_the_ways_to_collapse_gives_the_step_and_all_are_evidence() -> None:
    ratios, coverages, modes = (0.9, 0.9, 0.9, 0.1), (0.5, 0.5, 0.0, 0.0), (9.0, 1.0, 1.0, 1.0)
    rows = evaluations(*ratios)
    for row, coverage, shown in zip(rows, coverages, modes, strict=True):
        row |= {f"coverage/{MINE}": coverage, f"modes/{MINE}": shown}
    found = judge(rows, "bce", MINE, expected_modes=10.0)
    assert (found.name, found.since) == ("collapsed", 200)
    assert found.reason == "the samples show 1 classes"
    assert found.evidence == {"diversity/ratio": 0.1, f"coverage/{MINE}": 0.0, f"modes/{MINE}": 1.0}


def test_classes_are_not_judged_where_none_are_expected() -> None:
    found = judge(measured(f"modes/{MINE}", 9.0, 1.0), "bce", MINE, expected_modes=None)
    assert (found.name, found.since) == ("stable", None)


def test_columns_of_another_evaluator_are_not_looked_at() -> None:
    names = {"coverage": (0.9, 0.0), "modes": (9.0, 0.0), "frechet": (1.0, 100 * OSCILLATION_RATIO)}
    for name, values in names.items():
        others = measured(f"{name}/{OTHER}", *values)
        found = judge(others, "bce", MINE, expected_modes=10.0)
        assert (found.name, found.evidence) == ("stable", {"diversity/ratio": 0.9}), name
        raw = [
            {key.replace(f"{name}/{OTHER}", f"raw_{name}/{MINE}"): value for key, value in r.items()} for r in others
        ]
        assert judge(raw, "bce", MINE, expected_modes=10.0) == found  # nor the generator beside its average
        assert judge(others, "bce", OTHER, expected_modes=10.0).name != "stable", name
    assert best(others, MINE) is None


# Oscillation


@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
@pytest.mark.parametrize(
    ("factor", "name"), [(1.0, "stable"), (0.999, "stable"), (1.001, "oscillating"), (9.0, "oscillating")]
)
def test_oscillation_is_a_last_distance_beyond_so_many_times_the_best(loss: str, factor: float, name: str) -> None:
    last = factor * OSCILLATION_RATIO * 4.0
    found = judge(measured(f"frechet/{MINE}", 50.0, 4.0, last), loss, MINE)
    assert (found.name, found.since) == (name, 300 if name == "oscillating" else None)
    assert found.evidence == {"diversity/ratio": 0.9, "frechet_best": 4.0, "frechet_last": last}
    if name == "oscillating":
        assert f"is {last:.3g} at the end and was 4 at step 200" in found.reason


HIGH, AT = 1.5 * OSCILLATION_RATIO, OSCILLATION_RATIO


@pytest.mark.parametrize(
    ("distances", "since"),
    [
        ((1, HIGH, HIGH), 200),
        ((1, AT, HIGH, HIGH), 300),
        ((1, HIGH, AT, HIGH), 400),
        ((HIGH, 1, HIGH, HIGH), 300),
        ((1, HIGH, AT), None),
        ((HIGH, HIGH, 1), None),
        ((1, HIGH, 1), None),
    ],
)
def test_oscillation_is_since_the_first_evaluation_of_the_unbroken_run(
    distances: tuple[float, ...], since: int | None
) -> None:
    found = judge(measured(f"frechet/{MINE}", *distances), "bce", MINE)
    assert (found.name, found.since) == ("stable" if since is None else "oscillating", since)


def test_the_untrained_generator_is_no_best_to_fall_from() -> None:
    name = f"frechet/{MINE}"
    history = [{"step": 0, name: 1.0}, *measured(name, 10.0, 10.0)]
    assert judge(history, "bce", MINE).name == "stable"
    found = best(history, MINE)
    assert found is not None and found["step"] > 0


def test_one_evaluation_cannot_oscillate_nor_one_that_only_gets_better() -> None:
    assert judge(measured(f"frechet/{MINE}", 1e9), "bce", MINE).name == "stable"
    assert judge(measured(f"frechet/{MINE}", 1e9, 1e3, 1.0), "bce", MINE).name == "stable"


def test_best_is_the_first_of_the_smallest_distances() -> None:
    history = measured(f"frechet/{MINE}", 3.0, 1.0, 2.0, 1.0)
    found = best([{"step": 5, "loss/generator": 0.0}, *history], MINE)
    assert found is history[1]
    assert best([], MINE) is None and best(evaluations(0.9), MINE) is None


# Saturation where quality is known


def won_with(*distances: float, ratios: Sequence[float] = ()) -> list[Row]:
    """D is sure and G's loss rises, while the evaluations have these distances."""
    history = quarters(1.0, 1.0, 5.0) + measured(f"frechet/{MINE}", *distances)
    for row, ratio in zip(history[-len(distances) :], ratios, strict=False):
        row["diversity/ratio"] = ratio
    return history


@pytest.mark.parametrize(
    ("last", "name"),
    [(0.0, "stable"), (LEARNING_RATIO, "stable"), (LEARNING_RATIO + 1e-6, "saturated"), (1.0, "saturated")],
)
def test_a_sure_discriminator_is_no_saturation_while_the_generator_learns(last: float, name: str) -> None:
    """`last`: the last distance as a share of the first, which is that of the untrained generator."""
    found = judge(won_with(80.0, 90.0, last * 85.0, last * 80.0), "bce", MINE)
    assert (found.name, found.since) == (name, 70 if name == "saturated" else None)
    assert (found.evidence["frechet_first"], found.evidence["frechet_last"]) == (80.0, last * 80.0)
    assert found.evidence["accuracy"] == 1.0


def test_one_evaluation_says_nothing_of_learning() -> None:
    assert judge(won_with(80.0), "bce", MINE).name == "saturated"
    assert judge(won_with(80.0, 1.0), "bce", OTHER).name == "saturated"


# Which rule speaks


def test_first_rule_that_holds_gives_the_verdict() -> None:
    saturated, collapsed = quarters(1.0, 1.0, 5.0), evaluations(0.9, 0.1)
    blown: Row = {"step": 90, "loss/discriminator": 10 * MAX_LOSS}
    came_and_went = measured(f"frechet/{MINE}", 1.0, 10 * OSCILLATION_RATIO)
    everything = saturated + [row | other for row, other in zip(came_and_went, collapsed, strict=True)]
    names = [
        judge([*everything, blown], "bce", MINE, diverged=(3, "loss/generator")).since,
        judge([*everything, blown], "bce", MINE).name,
        judge(everything, "bce", MINE).name,
        judge(saturated + came_and_went, "bce", MINE).name,
        judge(quarters(0.5, 1.0, 1.0) + came_and_went, "bce", MINE).name,
        judge(quarters(0.5, 1.0, 1.0) + evaluations(0.9), "bce", MINE).name,
    ]
    assert names == [3, "diverged", "collapsed", "saturated", "oscillating", "stable"]
    assert {*names[1:]} == set(VERDICTS)


@pytest.mark.parametrize("rest", [[], [0.1], [0.1, 0.1]])
def test_what_never_varied_was_not_lost_and_a_discriminator_that_won_is_the_reason(rest: list[float]) -> None:
    saturated = quarters(1.0, 1.0, 5.0)
    assert judge(saturated + evaluations(0.1, *rest), "bce").name == "saturated"
    assert judge(saturated + evaluations(0.9, 0.1, *rest), "bce").name == "collapsed"
    assert judge(saturated + evaluations(0.1, 0.9, 0.1, *rest), "bce").name == "collapsed"
    assert judge(saturated + evaluations(0.1, *rest), "wasserstein").name == "collapsed"
    assert judge(quarters(0.5, 1.0, 5.0) + evaluations(0.1, *rest), "bce").name == "collapsed"


def test_every_rule_that_was_looked_at_leaves_its_evidence() -> None:
    history = quarters(0.7, 1.0, 1.1) + measured(f"frechet/{MINE}", 4.0, 5.0)
    for row in history[-2:]:
        row |= {f"coverage/{MINE}": 0.5, f"modes/{MINE}": 9.0}
    assert judge(history, "bce", MINE, expected_modes=10.0).evidence == pytest.approx(
        {
            "diversity/ratio": 0.9,
            f"coverage/{MINE}": 0.5,
            f"modes/{MINE}": 9.0,
            "accuracy": 0.7,
            "loss_before": 1.0,
            "loss_after": 1.1,
            "from_step": 70,
            "frechet_first": 4.0,
            "frechet_best": 4.0,
            "frechet_last": 5.0,
        }
    )


def test_run_without_an_evaluation_is_judged_by_its_losses() -> None:
    assert judge(quarters(0.7, 1.0, 1.1), "bce", MINE, 10.0).name == "stable"
    assert judge(quarters(1.0, 1.0, 5.0), "bce", MINE, 10.0).name == "saturated"
    assert judge([], "bce", MINE, 10.0) == ("stable", None, "no event", {})


def test_rules_in_words_cover_every_verdict_but_stable_and_have_every_threshold() -> None:
    assert [rule.name for rule in RULES] == ["diverged", "collapsed", "saturated", "oscillating"]
    assert {"stable", *(rule.name for rule in RULES)} == set(VERDICTS)
    text = " ".join(condition for rule in RULES for condition in rule.conditions)
    thresholds = [value for name, value in vars(verdict).items() if name.isupper() and isinstance(value, float)]
    assert len(thresholds) == 8
    numbers = re.findall(r"\d+(?:\.\d+)?", text)
    assert not [value for value in thresholds if f"{value:g}" not in numbers]


def test_a_critics_offset_is_no_divergence() -> None:
    history: list[Row] = [{"step": 10 * (i + 1), "loss/generator": -5e3, "loss/discriminator": -2.0} for i in range(3)]
    assert judge(history + evaluations(0.9), "wasserstein").name == "stable"
