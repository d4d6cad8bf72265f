"""The verdict on made histories whose end is known."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from support.histories import BLOBS, EVALUATOR, NOISE, REPEATS, against, evaluation, history, quarters, windows

from gan_core.history import Row
from gan_core.verdict import rules, run
from gan_core.verdict.judge import best_evaluation, judge
from gan_core.verdict.reference_values import MAX_LOSS
from gan_core.verdict.rules import MIN_IMAGES, OSCILLATION_RATIO, RULES, SATURATED_ACCURACY, VERDICTS
from gan_core.verdict.run import (
    MAX_CLASS_DIVERGENCE,
    MIN_DISTINCT_SHARE,
    MIN_DIVERSITY,
    MIN_MODES_SHARE,
    ONE_IMAGE,
)

OTHER = "classifier-00000000"
WELL: dict[str, float] = {}


def test_a_run_that_draws_is_stable() -> None:
    verdict = judge(quarters(0.7, 1.0, 1.1) + history(BLOBS, WELL, WELL, WELL), against())
    assert (verdict.name, verdict.since, verdict.reason) == ("stable", None, "no event")


def test_a_run_without_an_evaluation_is_judged_by_its_losses() -> None:
    assert judge([], against()) == ("stable", None, "no event", {})
    assert judge(quarters(0.7, 1.0, 1.1), against()).name == "stable"
    assert judge(quarters(1.0, 1.0, 5.0), against()).name == "saturated"


# Divergence


def test_divergence_is_named_by_step_and_tensor() -> None:
    verdict = judge(history(BLOBS), against(), diverged=(37, "weight of generator.layers.0.weight"))
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
    rows: list[Row] = [{"step": 10 * (i + 1), name: sign * size} for i, size in enumerate(sizes)]
    verdict = judge(rows, against())
    assert (verdict.name, verdict.since) == ("stable" if since is None else "diverged", since)
    if since is not None:
        assert verdict.evidence == {name: sizes[-1]}


def test_a_critics_offset_is_no_divergence() -> None:
    rows: list[Row] = [{"step": 10 * (i + 1), "loss/generator": -5e3, "loss/discriminator": -2.0} for i in range(3)]
    assert judge(rows + history(WELL), against(loss="wasserstein")).name == "stable"


# Collapse


@pytest.mark.parametrize(
    ("lack", "words"),
    [
        ({"diversity": 0.999 * MIN_DIVERSITY}, "50% as diverse as the data"),
        ({"distinct_images": 0.999 * MIN_DISTINCT_SHARE}, "33.0% of the samples are distinct images"),
        ({"distinct_images": None, "distinct": 0.249}, "24.9% of the samples are distinct images"),
        ({"modes": MIN_MODES_SHARE * 10}, "show 5 classes, and as many real images 10"),
        (
            {"class_divergence": 1.001 * MAX_CLASS_DIVERGENCE * float(np.log(10))},
            "nearly all samples are of few classes",
        ),
    ],
)
@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
def test_variety_that_was_lost_at_the_end_is_collapse(loss: str, lack: dict[str, float], words: str) -> None:
    verdict = judge(history(WELL, WELL, lack, lack), against(loss=loss))
    assert (verdict.name, verdict.since) == ("collapsed", 300)
    assert words in verdict.reason


@pytest.mark.parametrize(
    "enough",
    [
        {"diversity": MIN_DIVERSITY},
        {"distinct_images": MIN_DISTINCT_SHARE},
        {"distinct_images": None, "distinct": 0.25},  # of features alone
        {"distinct_images": 0.9, "distinct": 0.1},
        {"modes": MIN_MODES_SHARE * 10 + 1},
        {"class_divergence": 0.999 * MAX_CLASS_DIVERGENCE * float(np.log(10))},
        {"recall": 0.0},  # the number of distinct images says more
    ],
)
def test_variety_just_above_a_limit_is_no_collapse(enough: dict[str, float]) -> None:
    assert judge(history(WELL, WELL, enough, enough), against()).name == "stable"


def test_repeated_images_that_look_real_are_collapse_however_early() -> None:
    for states in ([REPEATS], [REPEATS] * 2, [REPEATS] * 8, [BLOBS, REPEATS, REPEATS]):
        verdict = judge(history(*states), against())
        assert verdict.name == "collapsed", states
        assert "distinct images" in verdict.reason
    assert judge(history(BLOBS, REPEATS, REPEATS), against()).since == 200


def test_a_single_blob_that_lies_among_real_images_by_luck_is_no_collapse() -> None:
    blob = BLOBS | {"density": 0.45, "diversity": 0.1}
    assert judge(history(*[blob] * 4), against()).name == "unfinished"
    assert judge(history(*[blob | {"density": 0.6}] * 4), against()).name == "collapsed"
    assert judge(history(*[blob | {"diversity": 0.3}] * 4), against()).name == "collapsed"


def test_without_the_number_of_distinct_images_a_recall_near_0_tells_of_repetition() -> None:
    """As in histories of earlier versions."""
    rows = [{name: value for name, value in row.items() if "distinct" not in name} for row in history(WELL, REPEATS)]
    assert judge(rows, against()).name == "collapsed"
    assert "leave out 99% of the real images" in judge(rows, against()).reason


def test_a_generator_that_ends_collapsed_is_never_stable() -> None:
    for count in range(2, 30):
        assert judge(history(*[WELL] * (count - 1), REPEATS), against()).name in ("collapsed", "oscillating")
    assert judge(history(*[WELL] * 12, REPEATS), against()).name == "oscillating"
    assert judge(history(*[WELL] * 11, REPEATS, REPEATS), against()).name == "collapsed"


def test_blobs_that_were_never_more_are_collapse_only_after_a_fair_time() -> None:
    assert judge(history(*[BLOBS] * 4, images=MIN_IMAGES - 1.0), against()).name == "unfinished"
    verdict = judge(history(*[BLOBS] * 4, images=MIN_IMAGES), against())
    assert (verdict.name, verdict.since) == ("collapsed", 100)
    distances = [450.0, 400.0, 300.0, 250.0]
    falling = history(*[BLOBS | {"diversity": ONE_IMAGE}] * 4, frechet=distances, images=MIN_IMAGES)
    assert judge(falling, against()).name == "unfinished"
    wandering = history(*[BLOBS | {"diversity": 0.99 * ONE_IMAGE}] * 4, frechet=distances, images=MIN_IMAGES)
    assert judge(wandering, against()).name == "collapsed"


def test_classes_are_not_judged_without_a_classifier() -> None:
    unlabelled = against(classes=None, expected_modes=None, one_class=None)
    assert judge(history(WELL, {"modes": 1.0, "class_divergence": 9.0}), unlabelled).name == "stable"


def test_columns_of_another_evaluator_are_not_looked_at() -> None:
    rows = history(WELL, WELL, WELL, WELL)
    rows += [evaluation(500, 9999.0, BLOBS, OTHER), evaluation(600, 9999.0, BLOBS, OTHER)]
    assert judge(rows, against()).name == "stable"
    assert judge(rows, against(evaluator=OTHER)).name != "stable"
    assert best_evaluation([row for row in rows if row["step"] > 400], EVALUATOR) is None


def test_the_raw_generator_is_judged_and_not_its_average() -> None:
    def with_average(raw: dict[str, float], average: dict[str, float]) -> list[Row]:
        averages = history(*[average] * 4)
        raws = [{f"raw_{name}": value for name, value in row.items() if "/" in name} for row in history(*[raw] * 4)]
        return [{**a, **({} if "images/generator" in a else r)} for a, r in zip(averages, raws, strict=True)]

    assert judge(with_average(WELL, BLOBS), against()).name == "stable"
    assert judge(with_average(REPEATS, WELL), against()).name == "collapsed"
    earlier = [
        {name: value for name, value in row.items() if name != "raw_diversity/ratio"}
        for row in with_average(WELL, {"diversity": 0.1})
    ]
    assert judge(earlier, against()).name == "stable"  # versions before did not measure it


# Not finished


@pytest.mark.parametrize("states", [[BLOBS], [NOISE], [BLOBS] * 4, [NOISE] * 4, [BLOBS, BLOBS, NOISE, NOISE]])
def test_a_run_that_never_drew_is_unfinished_and_has_no_step(states: Sequence[dict[str, float]]) -> None:
    verdict = judge(history(*states), against())
    assert (verdict.name, verdict.since) == ("unfinished", None)
    assert "the steps ended before" in verdict.reason


def test_a_sure_discriminator_is_no_saturation_before_the_generator_had_a_fair_time() -> None:
    won = quarters(1.0, 1.0, 5.0)
    distances = [450.0, 440.0, 450.0, 445.0]
    assert judge(won + history(*[BLOBS] * 4, frechet=distances), against()).name == "unfinished"
    assert judge(won + history(*[BLOBS] * 4, frechet=distances, images=MIN_IMAGES), against()).name == "saturated"


def test_a_late_beginning_is_no_event() -> None:
    assert judge(history(*[BLOBS] * 6, WELL, WELL), against()).name == "stable"
    assert judge(history(*[BLOBS] * 7, WELL), against()).name == "stable"


@pytest.mark.parametrize("loss", ["bce", "wasserstein"])
def test_a_generator_that_never_draws_learns_nothing_in_the_end(loss: str) -> None:
    """Also where D's accuracy or G's loss do not tell."""
    distances = [230.0, 228.0, 231.0, 229.0]
    assert judge(history(*[NOISE] * 4, frechet=distances), against(loss=loss)).name == "unfinished"
    verdict = judge(history(*[NOISE] * 4, frechet=distances, images=1e6), against(loss=loss))
    assert (verdict.name, verdict.since) == ("saturated", 300)
    assert "never drew" in verdict.reason


def test_samples_that_are_little_better_than_those_of_the_untrained_generator_are_no_drawing() -> None:
    blurry = {"coverage": 0.07, "density": 0.05, "recall": 0.02}
    assert judge(history(*[blurry] * 4, frechet=[300.0] * 4), against()).name == "unfinished"
    assert judge(history(*[blurry] * 4, frechet=[120.0] * 4), against()).name == "stable"


def test_balanced_samples_of_unbalanced_classes_are_no_collapse() -> None:
    data = against(classes=2, expected_modes=2.0, one_class=float(np.log(1 / 0.05)))
    balanced = {"modes": 2.0, "class_divergence": 0.5 * float(np.log(0.5 / 0.95) + np.log(0.5 / 0.05))}
    assert judge(history(balanced, balanced), data).name == "stable"
    only_the_rare_class = {"modes": 2.0, "class_divergence": 0.9 * float(np.log(1 / 0.05))}
    assert judge(history(WELL, only_the_rare_class, only_the_rare_class), data).name == "collapsed"


def test_data_of_few_images_expect_few_distinct_samples() -> None:
    whole = {"distinct_images": 100 / 512}
    assert judge(history(WELL, whole, whole), against(real_share=100 / 512)).name == "stable"
    assert judge(history(WELL, whole, whole), against()).name == "collapsed"


def test_distances_below_that_of_held_out_images_are_all_as_good() -> None:
    distances = [0.4, 0.4, 0.4, 0.4, 1.3, 1.3]
    assert judge(history(*[WELL] * 6, frechet=distances), against()).name == "oscillating"
    assert judge(history(*[WELL] * 6, frechet=distances), against(frechet=5.0)).name == "stable"


# Oscillation


@pytest.mark.parametrize(
    ("distances", "name"),
    [
        ((50, 50, 50, 50), "stable"),
        ((400, 200, 100, 50), "stable"),
        ((50, 50, 400, 400), "oscillating"),
        ((50, 400, 50, 400, 50, 400, 50, 400), "oscillating"),
        ((50, 400, 50, 400, 50, 400, 50, 400, 50), "oscillating"),
        ((50, 50, 50, 50, 50, 50, 50, 400), "stable"),  # one evaluation in eight
        ((50, 50, 50, 400, 50, 50, 50, 50), "stable"),
        ((50, 400), "stable"),  # too few to tell
        ((10, 10, 10, 10, 29, 29), "stable"),
        ((10, 10, 10, 10, 31, 31), "oscillating"),
    ],
)
def test_oscillation_is_quality_that_comes_and_goes(distances: tuple[float, ...], name: str) -> None:
    verdict = judge(history(*[WELL] * len(distances), frechet=distances), against())
    assert verdict.name == name


def test_collapse_in_seven_of_nine_evaluations_is_not_stable() -> None:
    assert judge(history(WELL, *[REPEATS] * 7, WELL), against()).name == "oscillating"
    assert judge(history(*[REPEATS] * 7, WELL, WELL), against()).name == "oscillating"
    assert judge(history(REPEATS, WELL, REPEATS, WELL), against()).name == "oscillating"
    assert judge(history(WELL, REPEATS, REPEATS, WELL), against()).name == "oscillating"


def test_a_generator_that_ends_far_from_the_data_has_lost_its_quality() -> None:
    verdict = judge(history(WELL, WELL, WELL, WELL, NOISE, NOISE, frechet=[120] * 4 + [210] * 2), against())
    assert verdict.name == "oscillating"


@pytest.mark.parametrize("evaluations", [4, 8, 20, 50, 100])
def test_stationary_noise_is_oscillation_in_at_most_two_runs_of_a_hundred(evaluations: int) -> None:
    rng = np.random.default_rng(evaluations)
    distances = 50 * np.exp(rng.normal(0, 0.4, (200, evaluations)))
    verdicts = [judge(history(*[WELL] * evaluations, frechet=each), against()).name for each in distances]
    assert verdicts.count("oscillating") <= 4
    assert set(verdicts) <= {"stable", "oscillating"}


def test_leaving_out_every_second_evaluation_changes_few_verdicts() -> None:
    """Runs that begin at some step and may collapse at a later one, with noise, evaluated 16 or 8 times."""
    rng, changed = np.random.default_rng(0), 0
    for _ in range(200):
        begin, collapse = rng.integers(0, 12), rng.integers(0, 40)
        states = [BLOBS if i < begin else REPEATS if i >= max(collapse, begin + 2) else WELL for i in range(16)]
        distances = [450.0 if i < begin else 50 * float(np.exp(rng.normal(0, 0.3))) for i in range(16)]
        rows = history(*states, frechet=distances)
        half = [row for row in rows if row["step"] % 200 == 0]
        changed += judge(rows, against()).name != judge(half, against()).name
    assert changed <= 4


# Saturation


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
    verdict = judge(quarters(accuracy, before, after), against())
    assert verdict.name == name
    assert verdict.since == (70 if name == "saturated" else None)
    numbers = {"from_step": 70, "accuracy": accuracy, "loss_before": before, "loss_after": after}
    assert verdict.evidence == pytest.approx(numbers)


def test_saturation_looks_at_means_of_the_last_two_quarters_only() -> None:
    accuracies = [0.0] * 4 + [0.0, 0.0] + [0.98, 1.0]
    losses = [99.0] * 4 + [1.0, 3.0] + [1.5, 2.7]
    verdict = judge(windows(accuracies, losses), against())
    assert (verdict.name, verdict.since) == ("saturated", 70)
    assert verdict.evidence["loss_before"] == pytest.approx(2.0)
    assert verdict.evidence["loss_after"] == pytest.approx(2.1)


def test_saturation_is_not_judged_on_fewer_than_four_windows() -> None:
    assert judge(windows([1.0] * 3, [1.0, 2.0, 3.0]), against()).name == "stable"
    assert judge(windows([1.0] * 4, [1.0, 2.0, 3.0, 4.0]), against()).name == "saturated"


def test_a_wasserstein_critic_cannot_saturate() -> None:
    verdict = judge(quarters(1.0, 1.0, 5.0), against(loss="wasserstein"))
    assert (verdict.name, verdict.evidence) == ("stable", {})


def test_a_generator_that_gets_worse_while_the_discriminator_wins_is_saturated() -> None:
    distances = [200, 100, 60, 60, 80, 120, 150, 170]
    assert judge(quarters(1.0, 4.0, 9.0) + history(*[WELL] * 8, frechet=distances), against()).name == "saturated"
    assert judge(quarters(0.7, 4.0, 9.0) + history(*[WELL] * 8, frechet=distances), against()).name == "stable"


@pytest.mark.parametrize(("last", "name"), [(0.0, "stable"), (225.0, "stable"), (226.0, "saturated")])
def test_a_sure_discriminator_is_no_saturation_while_the_generator_learns(last: float, name: str) -> None:
    """450 is the distance of the untrained generator."""
    verdict = judge(quarters(1.0, 1.0, 5.0) + history(WELL, WELL, frechet=[last, last], images=MIN_IMAGES), against())
    assert (verdict.name, verdict.since) == (name, 70 if name == "saturated" else None)


# All rules


def test_the_first_rule_that_holds_gives_the_verdict() -> None:
    won, blown = quarters(1.0, 1.0, 5.0), [{"step": 90, "loss/discriminator": 10 * MAX_LOSS}]
    lost = history(WELL, WELL, REPEATS, REPEATS, frechet=[50, 50, 400, 400])
    worse = history(WELL, WELL, WELL, WELL, frechet=[50, 50, 400, 400])
    names = [
        judge(won + lost + blown, against()).name,
        judge(won + lost, against()).name,
        judge(won + worse, against()).name,
        judge(worse, against()).name,
        judge(history(NOISE, NOISE, frechet=[230.0, 230.0]), against()).name,
        judge(history(WELL, WELL), against()).name,
    ]
    assert names == ["diverged", "collapsed", "saturated", "oscillating", "unfinished", "stable"]
    assert {*names} == {*VERDICTS}


def test_rules_in_words_cover_every_verdict_but_stable_and_have_every_threshold() -> None:
    assert [rule.name for rule in RULES] == ["diverged", "collapsed", "saturated", "oscillating", "unfinished"]
    assert {"stable", *(rule.name for rule in RULES)} == set(VERDICTS)
    text = " ".join(condition for rule in RULES for condition in rule.conditions)
    modules = vars(run) | vars(rules)
    unnamed = {"MIN_RECALL", "IMPROVEMENT", "OSCILLATION_SHARE"}  # a substitute in old histories, and said in words
    thresholds = [value for name, value in modules.items() if name.isupper() and type(value) in (float, int)]
    limits = [modules[name] for name in modules if name.isupper() and name not in unnamed]
    numbers = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
    assert len(thresholds) == 20
    assert not [value for value in limits if type(value) in (float, int) and float(value) not in numbers]
    assert OSCILLATION_RATIO in numbers


def test_best_is_the_first_of_the_smallest_distances_of_a_trained_generator() -> None:
    rows = [row for row in history(WELL, WELL, WELL, WELL, frechet=[3.0, 1.0, 2.0, 1.0]) if "diversity/ratio" in row]
    assert best_evaluation([{"step": 5, "loss/generator": 0.0}, *rows], EVALUATOR) is rows[2]
    assert best_evaluation([{"step": 0, f"frechet/{EVALUATOR}": 0.1}], EVALUATOR) is None
    assert best_evaluation([], EVALUATOR) is None
