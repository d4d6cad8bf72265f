"""How a trial ended says what the statistics take of it, whether it is read from its record or from MLflow."""

from __future__ import annotations

import pytest
from support.made_runs import ONE, made_run, measured

from gan_core.verdict.judge import Verdict
from gan_core.verdict.names import VerdictName
from orchestrator.planning.outcome import end_of
from orchestrator.statistics.trial_end import TrialEnd
from orchestrator.store.record import Record, recorded
from orchestrator.store.trial_status import TrialStatus

METRICS = {f"frechet/{ONE}": 2.0, f"best_frechet/{ONE}": 1.5}


def ended(verdict: str, since: int | None = None, evaluator: str = ONE) -> TrialEnd:
    return TrialEnd(verdict, since, 100, METRICS, evaluator)


@pytest.mark.parametrize(
    ("verdict", "stable", "event", "has_quality", "drew"),
    [
        ("stable", True, None, True, True),
        ("oscillating", False, 60, True, True),
        ("collapsed", False, 60, True, False),
        ("diverged", False, 60, False, False),
        ("unfinished", None, None, True, False),
        ("", False, None, False, False),  # it failed
    ],
)
def test_a_verdict_says_what_counts(
    verdict: str, stable: bool | None, event: int | None, has_quality: bool, drew: bool
) -> None:
    result = ended(verdict, since=60).result(made_run())
    assert (result.stable, result.event, result.drew) == (stable, event, drew)
    assert (result.final, result.best) == ((2.0, 1.5) if has_quality else (None, None))


def test_an_event_without_a_step_is_at_the_end() -> None:
    assert ended("collapsed").event == 100


def test_quality_of_no_evaluator_is_not_compared() -> None:
    assert ended("stable", evaluator="").quality("frechet") is None


@pytest.mark.parametrize(("name", "since"), [("stable", None), ("collapsed", 40), ("diverged", 40)])
def test_a_record_and_a_run_in_mlflow_say_the_same(name: str, since: int | None) -> None:
    run = measured(made_run(verdict=name), 2.0)
    run.since, run.steps, run.history = since, 100, {}
    record = Record("key", TrialStatus.FINISHED, 100, metrics=run.latest, evaluator={"id": ONE})
    record.verdict = recorded(Verdict(VerdictName(name), since, "", {}))
    assert end_of(record).result(run) == run.to_result()


def test_a_trial_that_failed_after_a_verdict_counts_as_failed() -> None:
    record = Record("key", TrialStatus.FAILED, 100, metrics=METRICS, evaluator={"id": ONE})
    record.verdict = recorded(Verdict(VerdictName.STABLE, None, "", {}))
    assert end_of(record) == TrialEnd("", None, 100, METRICS, ONE)
