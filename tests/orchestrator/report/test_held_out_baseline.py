"""Held-out real images stand beside the samples, each evaluator's own."""

from __future__ import annotations

from support.made_runs import ONE, TWO, card, made_run, made_sweep, measured

from orchestrator.report.artifact_schemas import HeldOutScores, LoggedEvaluator
from orchestrator.report.held_out_baseline import Baseline, baselines, frechet_baselines


def with_scores(evaluator: str, scores: HeldOutScores | None) -> LoggedEvaluator:
    return card(evaluator).model_copy(update={"kept_out": scores})


def test_every_curve_of_quality_has_the_floor_of_its_own_evaluator() -> None:
    data = made_sweep(measured(made_run(), 4.0), measured(made_run(seed=1), 0.5, TWO))
    text = "256 real images, held out"
    assert baselines(data) == {f"frechet/{ONE}": Baseline(1.1, text), f"frechet/{TWO}": Baseline(0.05, text)}
    data.runs[0].evaluator = with_scores(ONE, HeldOutScores(count=9, frechet=3, precision=1, recall=1, coverage=0.75))
    assert baselines(data)[f"coverage/{ONE}"] == Baseline(0.75, "9 real images, held out")


def test_several_evaluators_are_named() -> None:
    one, two = measured(made_run(), 4.0), measured(made_run(seed=1), 0.5, TWO)
    assert frechet_baselines(made_sweep(one)) == [Baseline(1.1, "256 real images, held out")]
    assert frechet_baselines(made_sweep(one, two)) == [
        Baseline(1.1, f"256 real images, held out ({ONE})"),
        Baseline(0.05, f"256 real images, held out ({TWO})"),
    ]


def test_without_held_out_images_there_is_no_floor() -> None:
    run = measured(made_run(), 4.0)
    run.evaluator = with_scores(ONE, None)
    assert baselines(made_sweep(run, made_run(seed=1))) == {}
    assert frechet_baselines(made_sweep(run)) == []
