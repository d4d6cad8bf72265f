"""When no more can be hoped for of a run: on made histories, on both sides of each rule."""

from __future__ import annotations

import pytest
from support.histories import BLOBS, NOISE, REPEATS, against, history, quarters

from gan_core.history import Row
from gan_core.verdict.early_end import (
    LATEST_DRAWING,
    LATEST_VARIETY,
    LOST_RULES,
    MAX_IMAGES_WITHOUT_DRAWING,
    MAX_IMAGES_WITHOUT_VARIETY,
    ended_early,
    lost_step,
    why_lost,
)
from gan_core.verdict.judge import judge

WELL: dict[str, float] = {}
RECORDED = [*[BLOBS | {"diversity": 0.1}] * 14, *[NOISE] * 7, WELL, WELL]
"""The evaluations of the latest recovery on record, every 12,800 images."""


def without_variety(images: float) -> list[Row]:
    """Drew at first, then repeats few images for so many images."""
    return history(WELL, WELL, *[REPEATS] * 8, images=images / 0.8)


def test_a_run_without_variety_is_lost_after_twice_the_latest_recovery_and_not_before() -> None:
    assert MAX_IMAGES_WITHOUT_VARIETY == 2 * LATEST_VARIETY
    assert why_lost(without_variety(MAX_IMAGES_WITHOUT_VARIETY - 1), against()) == ""
    assert why_lost(without_variety(MAX_IMAGES_WITHOUT_VARIETY), against()) == (
        "384,000 images without an evaluation whose samples had variety"
    )


def test_blobs_from_the_beginning_are_lost_too_unless_they_still_improve() -> None:
    images = float(MAX_IMAGES_WITHOUT_VARIETY)
    assert why_lost(history(*[BLOBS] * 8, images=images), against())
    falling = [300.0 * 0.8**number for number in range(8)]
    improving = history(*[BLOBS | {"diversity": 0.4}] * 8, images=images, frechet=falling)
    assert judge(improving, against()).name == "unfinished"
    assert why_lost(improving, against()) == ""


def test_variety_at_one_evaluation_begins_the_count_anew() -> None:
    images = 2.0 * MAX_IMAGES_WITHOUT_VARIETY
    states = [REPEATS] * 6 + [WELL] + [REPEATS] * 5
    assert judge(history(*states, images=images), against()).name == "collapsed"
    assert why_lost(history(*states, images=images), against()) == ""
    assert why_lost(history(*states, REPEATS, images=images * 13 / 12), against())


def test_fewer_than_four_evaluations_say_nothing() -> None:
    images = 10.0 * MAX_IMAGES_WITHOUT_DRAWING
    assert judge(history(*[REPEATS] * 3, images=images), against()).name == "collapsed"
    assert why_lost(history(*[REPEATS] * 3, images=images), against()) == ""
    assert why_lost(history(*[REPEATS] * 4, images=images), against())


def test_a_run_that_never_draws_is_lost_after_twice_the_latest_recovery_and_not_before() -> None:
    assert MAX_IMAGES_WITHOUT_DRAWING == 2 * LATEST_DRAWING

    def never_drew(images: float) -> list[Row]:
        return history(*[NOISE] * 8, images=images)

    assert judge(never_drew(MAX_IMAGES_WITHOUT_DRAWING), against()).name == "saturated"
    assert why_lost(never_drew(MAX_IMAGES_WITHOUT_DRAWING - 1), against()) == ""
    assert "563,200 images without an evaluation at which it drew" in why_lost(
        never_drew(MAX_IMAGES_WITHOUT_DRAWING), against()
    )
    drew_once = history(WELL, *[NOISE] * 7, images=MAX_IMAGES_WITHOUT_DRAWING)
    assert why_lost(drew_once, against()) == ""


def test_a_discriminator_that_wins_ends_no_run_that_draws() -> None:
    rows = quarters(1.0, 1.0, 5.0) + history(WELL, frechet=[440.0])
    rows += history(*[WELL] * 7, images=10.0 * MAX_IMAGES_WITHOUT_DRAWING, frechet=[40.0, *[200.0] * 6])[1:]
    rows = sorted(rows, key=lambda row: row["step"])
    assert judge(rows, against()).name in ("saturated", "oscillating")
    assert why_lost(rows, against()) == ""


@pytest.mark.parametrize("slower", [1.0, 1.99])
def test_the_latest_recovery_on_record_is_never_ended_not_even_at_half_its_pace(slower: float) -> None:
    rows = history(*RECORDED, images=slower * 12_800 * len(RECORDED))
    steps = [row["step"] for row in rows]
    verdicts = {judge([row for row in rows if row["step"] <= step], against()).name for step in set(steps)}
    assert "collapsed" in verdicts, "it would have been called so on the way"
    assert lost_step(rows, against()) is None


def test_a_third_of_that_pace_is_ended_at_the_first_evaluation_that_is_too_late() -> None:
    rows = history(*RECORDED, images=3.0 * 12_800 * len(RECORDED))
    assert lost_step(rows, against()) == 1000, "the tenth evaluation, after 384,000 images"
    before = [row for row in rows if row["step"] <= 900]
    assert why_lost(before, against()) == ""


def test_a_history_that_does_not_tell_of_images_is_never_lost() -> None:
    rows = [row for row in without_variety(1e9) if "images/generator" not in row]
    assert judge(rows, against()).name == "collapsed"
    assert why_lost(rows, against()) == "" and lost_step(rows, against()) is None


def test_the_verdict_says_that_the_run_was_ended() -> None:
    verdict = judge(without_variety(MAX_IMAGES_WITHOUT_VARIETY), against())
    ended = ended_early(verdict, 1000, 5000, "384,000 images without an evaluation whose samples had variety")
    assert ended.name == "collapsed" and ended.since == verdict.since
    assert ended.reason.startswith("ended early, at step 1,000 of 5,000, after 384,000 images without")
    assert ended.reason.endswith(f": {verdict.reason}")


def test_the_rules_in_words_have_their_numbers() -> None:
    for rule in LOST_RULES:
        assert f"{rule.images:,} images" in rule.condition
        assert all(verdict in rule.condition for verdict in rule.verdicts)
