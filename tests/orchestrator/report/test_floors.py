"""Held-out real images stand beside the samples, each evaluator's own."""

from __future__ import annotations

from support.made_runs import ONE, TWO, card, made_run, made_sweep, measured

from orchestrator.report.artifact_schemas import HeldOutScores, LoggedEvaluator
from orchestrator.report.floors import Floor, floors, frechet_floors


def with_scores(evaluator: str, scores: HeldOutScores | None) -> LoggedEvaluator:
    return card(evaluator).model_copy(update={"kept_out": scores})


def test_every_curve_of_quality_has_the_floor_of_its_own_evaluator() -> None:
    data = made_sweep(measured(made_run(), 4.0), measured(made_run(seed=1), 0.5, TWO))
    text = "256 real images, held out"
    assert floors(data) == {f"frechet/{ONE}": Floor(1.1, text), f"frechet/{TWO}": Floor(0.05, text)}
    data.runs[0].evaluator = with_scores(ONE, HeldOutScores(count=9, frechet=3, precision=1, recall=1, coverage=0.75))
    assert floors(data)[f"coverage/{ONE}"] == Floor(0.75, "9 real images, held out")


def test_several_evaluators_are_named() -> None:
    one, two = measured(made_run(), 4.0), measured(made_run(seed=1), 0.5, TWO)
    assert frechet_floors(made_sweep(one)) == [Floor(1.1, "256 real images, held out")]
    assert frechet_floors(made_sweep(one, two)) == [
        Floor(1.1, f"256 real images, held out ({ONE})"),
        Floor(0.05, f"256 real images, held out ({TWO})"),
    ]


def test_without_held_out_images_there_is_no_floor() -> None:
    run = measured(made_run(), 4.0)
    run.evaluator = with_scores(ONE, None)
    assert floors(made_sweep(run, made_run(seed=1))) == {}
    assert frechet_floors(made_sweep(run)) == []
