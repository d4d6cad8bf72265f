"""What a run and a sweep say of themselves."""

from __future__ import annotations

import pytest
from support.made_runs import ONE, TWO, made_run, made_sweep, measured

from orchestrator.report.data import CURVES, QUALITY_CURVES, curve_titles


@pytest.mark.parametrize(("verdict", "status"), [("diverged", "finished"), ("", "failed")])
def test_the_last_numbers_of_a_run_that_diverged_or_failed_are_no_quality(verdict: str, status: str) -> None:
    run = measured(made_run(verdict=verdict, status=status), 3.0)
    assert run.quality("frechet") is None
    assert run.has_ended


def test_a_run_without_an_evaluator_has_no_quality() -> None:
    assert made_run(latest={f"frechet/{ONE}": 3.0}).quality("frechet") is None
    assert measured(made_run(), 3.0).quality("frechet") == 3.0
    assert measured(made_run(), 3.0).quality("best_frechet") == 1.5


def test_an_outcome_is_the_verdict_or_where_the_work_stands() -> None:
    assert made_run(verdict="collapsed").outcome == "collapsed"
    assert made_run(verdict="", status="interrupted").outcome == "interrupted"
    assert not made_run(verdict="", status="interrupted").has_ended


def test_runs_on_fresh_seeds_take_no_part_in_the_selection() -> None:
    chosen, confirming = made_run(), made_run(seed=1, confirms=True)
    data = made_sweep(chosen, confirming)
    assert (data.selection, data.confirmation) == ([chosen], [confirming])
    assert data.configurations() == {"g": [chosen]}


def test_curves_of_quality_are_called_after_their_evaluator_where_there_are_several() -> None:
    titles = curve_titles(made_sweep(measured(made_run(), 11.0), measured(made_run(seed=1), 0.5, TWO), made_run()))
    assert list(titles)[: len(CURVES)] == list(CURVES)
    assert set(titles) - set(CURVES) == {f"{name}/{evaluator}" for name in QUALITY_CURVES for evaluator in (ONE, TWO)}
    assert len(set(titles.values())) == len(titles)
    assert titles[f"frechet/{ONE}"] == f"Frechet distance ({ONE})"


def test_curves_of_the_only_evaluator_need_no_id() -> None:
    titles = curve_titles(made_sweep(measured(made_run(), 11.0)))
    assert titles[f"frechet/{ONE}"] == "Frechet distance"
    assert titles[f"coverage/{ONE}"] == "Coverage"
