"""The points of a run -> rows."""

from __future__ import annotations

import math

import pytest

from orchestrator.imports.history import MAX_ROWS, History, history
from orchestrator.imports.source_run import Point

FID = "imported-00000000"


def made(batch_size: int | None = None, **series: list[tuple[float, float]]) -> History:
    """`g`, `d`: the losses; `real`, `fake`: accuracies; `fid`: the Frechet distance."""
    names = {"g": "loss/generator", "d": "loss/discriminator", "fid": "frechet"}
    names |= {"real": "accuracy/real", "fake": "accuracy/fake"}
    points = {names[key]: [Point(*pair) for pair in pairs] for key, pairs in series.items()}
    return history(points, FID, batch_size, 1_000)


def test_metrics_of_a_step_are_one_row_and_rows_are_in_order() -> None:
    rows = made(g=[(20, 2.0), (10, 1.0)], fid=[(20, 50.0)]).rows
    assert rows == [
        {"step": 10, "time": 1_000, "loss/generator": 1.0},
        {"step": 20, "time": 1_000, "loss/generator": 2.0, f"frechet/{FID}": 50.0},
    ]


def test_of_a_step_that_was_logged_twice_the_last_value_counts() -> None:
    assert made(g=[(10, 1.0), (10, 3.0)]).rows[0]["loss/generator"] == 3.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7976931348623157e308])
def test_training_diverges_where_a_loss_is_not_finite_and_nothing_after_it_counts(value: float) -> None:
    found = made(g=[(10, 1.0), (20, value), (30, value)], d=[(10, 1.0), (30, 2.0)], fid=[(10, 9.0), (30, 5.0)])
    assert found.diverged == (20, "loss/generator") and found.last_step == 30
    assert [row["step"] for row in found.rows] == [10]


def test_a_distance_that_is_not_finite_is_left_out_and_counted() -> None:
    found = made(g=[(10, 1.0)], fid=[(10, math.nan), (20, 8.0)])
    assert found.diverged is None and found.left_out == {"frechet": 1}
    assert f"frechet/{FID}" not in found.rows[0] and found.rows[1][f"frechet/{FID}"] == 8.0


def test_a_long_history_is_averaged_and_evaluations_are_not() -> None:
    count = 10 * MAX_ROWS + 5
    found = made(g=[(step, float(step)) for step in range(1, count + 1)], fid=[(s, 1.0) for s in range(1, count, 7)])
    losses = [(row["step"], row["loss/generator"]) for row in found.rows if "loss/generator" in row]
    assert found.window == 11 and losses[0] == (11, 6.0) and losses[-1][0] == count and len(losses) <= MAX_ROWS
    assert sum(f"frechet/{FID}" in row for row in found.rows) == len(range(1, count, 7))


def test_a_nan_within_a_window_still_diverges_at_its_own_step() -> None:
    points = [(step, math.nan if step == 4_321 else 1.0) for step in range(1, 20_000)]
    assert made(g=points).diverged == (4_321, "loss/generator")


def test_balanced_accuracy_comes_from_its_parts() -> None:
    assert made(real=[(10, 1.0)], fake=[(10, 0.5)]).rows[0]["accuracy/discriminator"] == 0.75
    assert "accuracy/discriminator" not in made(real=[(10, 1.0)], fake=[(20, 0.5)]).rows[0]


def test_images_are_known_only_with_a_batch_size() -> None:
    assert made(batch_size=32, g=[(10, 1.0)]).rows[-1]["images/generator"] == 320
    assert "images/generator" not in made(g=[(10, 1.0)]).rows[-1]


def test_times_of_the_source_are_kept() -> None:
    found = history({"loss/generator": [Point(1, 1.0, 7_000), Point(2, 1.0, 9_000)]}, "", None, 5)
    assert (found.first_ms, found.last_ms) == (7_000, 9_000)
    assert [row["time"] for row in found.rows] == [7_000, 9_000]
