"""Verdicts of imported runs, and what they cannot be judged from."""

from __future__ import annotations

import math
from typing import Any

from orchestrator.imports.evidence import verdict_of, what_is_not_judged
from orchestrator.imports.history import history
from orchestrator.imports.imported_run import ImportedRun, evaluator_id
from orchestrator.imports.mapping import QUALITY_METRICS
from orchestrator.imports.source_run import Point

FID = "FID of 50,000 samples"


def run(loss: str = "bce", batch_size: int | None = 1_000, **series: list[float]) -> ImportedRun:
    """Every metric at steps 0, 100, 200, ... Names with `_` for `/`."""
    points = {
        name.replace("_", "/", 1) if name not in QUALITY_METRICS else name: [
            Point(100 * index, value) for index, value in enumerate(values) if value is not None
        ]
        for name, values in series.items()
    }
    evaluator = FID if any(name in QUALITY_METRICS for name in points) else ""
    made = history(points, evaluator_id(evaluator), batch_size, 0)
    return ImportedRun("r", "imported", {}, 0, loss, evaluator, made)


def verdict(made: ImportedRun, classes: int | None = None) -> str:
    return str(verdict_of(made, classes).name)


FALLING = [300.0, 120.0, 60.0, 40.0, 30.0]
LOSSES: dict[str, Any] = {"loss_generator": [1.0] * 5, "loss_discriminator": [1.2] * 5}
ACCURACY: dict[str, Any] = {"accuracy_discriminator": [0.7] * 5}


def test_a_run_whose_distance_falls_is_stable() -> None:
    assert verdict(run(frechet=FALLING, **LOSSES)) == "stable"


def test_a_distance_that_rises_again_is_oscillating() -> None:
    assert verdict(run(frechet=[300.0, 60.0, 30.0, 200.0, 250.0])) == "oscillating"


def test_a_distance_that_never_falls_is_saturated_or_unfinished() -> None:
    flat = [300.0, 290.0, 295.0, 291.0, 294.0]
    assert verdict(run(frechet=flat)) == "saturated"
    assert verdict(run(frechet=flat, batch_size=1)) == "unfinished"


def test_without_an_evaluation_at_step_0_a_distance_is_not_compared_with_it() -> None:
    assert verdict(run(frechet=[math.nan, 290.0, 295.0, 291.0, 294.0])) == "stable"


def test_a_loss_that_is_not_finite_is_diverged() -> None:
    assert verdict(run(loss_generator=[1.0, 1.0, math.nan])) == "diverged"
    assert verdict(run(loss_generator=[math.nan])) == "diverged"


def test_a_large_loss_is_diverged_only_if_its_kind_is_known() -> None:
    large = [1.0, 2.0, 500.0, 600.0, 700.0]
    assert verdict(run(loss_discriminator=large)) == "diverged"
    assert (
        verdict(run("", loss_discriminator=large)) == verdict(run("wasserstein", loss_discriminator=large)) == "stable"
    )


def test_an_accuracy_that_is_logged_more_rarely_than_losses_counts_at_the_end() -> None:
    rising = [1.0] * 6 + [2.0, 3.0]
    won = run(loss_generator=rising, accuracy_discriminator=[0.5, None, None, None, None, None, None, 1.0])  # type: ignore[list-item]
    assert verdict(won) == "saturated"
    assert verdict(run(loss_generator=rising)) == "stable", "no accuracy, and no error either"


def test_lost_variety_is_collapsed() -> None:
    assert verdict(run(frechet=FALLING, diversity_ratio=[0.0, 0.9, 0.9, 0.2, 0.2])) == "collapsed"
    assert verdict(run(frechet=FALLING, modes=[1, 10, 10, 3, 3]), classes=10) == "collapsed"
    assert verdict(run(frechet=FALLING, modes=[1, 10, 10, 3, 3])) == "stable"


def test_nothing_is_missing_of_a_history_that_has_everything() -> None:
    whole = run(frechet=FALLING, diversity_ratio=[0.9] * 5, **LOSSES, **ACCURACY)
    assert what_is_not_judged([whole], None) == []


def test_each_thing_that_is_missing_is_said() -> None:
    def said(made: ImportedRun, classes: int | None = None) -> str:
        return "; ".join(what_is_not_judged([made], classes))

    alone = said(run(frechet=FALLING, **LOSSES, **ACCURACY))
    assert alone.startswith("no samples and no measure of their variety: collapse is judged by Frechet alone")
    assert "no discriminator accuracy" in said(run(frechet=FALLING, **LOSSES))
    assert "no discriminator accuracy" not in said(run("wasserstein", frechet=FALLING, **LOSSES))
    assert "nothing measured the samples" in said(run(**LOSSES))
    assert "that training diverged cannot be seen" in said(run(frechet=FALLING))
    assert "no `loss:`" in said(run("", **LOSSES)) and "a Wasserstein loss" in said(run("wasserstein", **LOSSES))
    assert "no batch size" in said(run(batch_size=None, **LOSSES))
    assert "no evaluation at step 0" in said(run(frechet=[math.nan, *FALLING]))
    assert "fewer than 4 evaluations" in said(run(frechet=FALLING[:3]))
    assert "fewer than 4 evaluations" not in said(run(frechet=FALLING[:3], loss_generator=[1.0, 1.0, math.nan]))
    assert "no `classes:`" in said(run(frechet=FALLING, modes=[9.0] * 5))
    assert "no `classes:`" not in said(run(frechet=FALLING, modes=[9.0] * 5), classes=10)
    assert "a coverage of 0.85" in said(run(coverage=[0.5] * 5))


def test_what_only_some_runs_lack_says_how_many() -> None:
    runs = [run(frechet=FALLING, **LOSSES, **ACCURACY), run(frechet=FALLING, **LOSSES)]
    assert "that D has won is not judged (1 of 2 runs)" in "; ".join(what_is_not_judged(runs, None))


def test_evaluators_have_ids_of_their_own() -> None:
    assert evaluator_id("FID  of\n1") == evaluator_id("FID of 1") != evaluator_id("FID of 2")
    assert evaluator_id("FID").startswith("imported-") and evaluator_id("") == ""
