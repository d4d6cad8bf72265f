"""What the report says of trials that were ended early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.made_runs import made_run, made_sweep, page_of, summary_of

from gan_core.verdict.early_end import LOST_RULES
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.early_ends import early_end_sentences
from orchestrator.statistics.survival import survival_curves


def ended(seed: int, step: int = 10, verdict: str = "collapsed") -> RunData:
    """A run of 20 steps that was ended at `step`."""
    reason = f"ended early, at step {step} of 20, after much: the samples are alike"
    run = made_run({}, seed, verdict, since=5, lost_at=step, ended_early=True, reason=reason)
    run.history["loss/generator"] = (np.array([5, step]), np.array([1.0, 2.0]))
    return run


def audit(seed: int, verdict: str) -> RunData:
    return made_run({}, seed, verdict, lost_at=10)


def sweep(*runs: RunData) -> SweepData:
    return made_sweep(*runs, stop_early=True)


def test_the_report_says_how_many_were_ended_and_what_that_saved() -> None:
    lines = early_end_sentences(sweep(ended(0), ended(1, step=5), made_run({}, 2), made_run({}, 3)))
    assert lines == [
        "2 of 4 trials were ended early, which saved 31% of the steps; they count as what they were judged, and "
        "their distances are those of that step. No trial ran on as an audit, so nothing says how often an early end "
        "is wrong."
    ]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (
            ["collapsed"] * 4,
            "Of 4 trials that ran on as an audit 0 ended stable or unfinished: a false-stop rate of 0% ",
        ),
        (["stable", "collapsed"], "1 ended stable or unfinished: a false-stop rate of 50% (95% interval 9% to 91%)."),
        (["unfinished", "saturated"], "a false-stop rate of 50% (95% interval 9% to 91%)."),
        (["oscillating", "diverged"], "a false-stop rate of 0% (95% interval 0% to 66%)."),
    ],
)
def test_audits_tell_how_often_an_early_end_is_wrong_with_an_interval(verdicts: list[str], said: str) -> None:
    runs = [audit(seed, verdict) for seed, verdict in enumerate(verdicts)]
    assert said in " ".join(early_end_sentences(sweep(ended(9), *runs)))


def test_where_nothing_was_ended_it_says_so_and_without_stop_early_it_says_nothing() -> None:
    assert early_end_sentences(sweep(made_run({}, 0))) == ["No trial was ended early."]
    assert early_end_sentences(made_sweep(made_run({}, 0))) == []


def test_an_ended_run_counts_as_judged_and_is_censored_at_its_last_step() -> None:
    result = ended(0).to_result()
    assert (result.stable, result.drew, result.event, result.steps) == (False, False, None, 10)
    to_its_end = made_run({}, 1, "collapsed", since=15).to_result()
    curve = survival_curves([result, to_its_end], lambda run: "all")["all"]
    assert (curve.runs, curve.events) == (2, 1)
    assert dict(zip(curve.steps, curve.surviving, strict=True)) == {0: 1.0, 10: 1.0, 15: 0.0}
    assert made_run({}, 0, "collapsed", since=5, lost_at=10).to_result().event == 5, "an audit has its event"


def test_the_answer_and_the_page_have_it_with_the_rules(tmp_path: Path) -> None:
    data = sweep(ended(0), audit(1, "collapsed"))
    assert any("1 of 2 trials was ended early" in sentence for sentence in summary_of(data).answer)
    assert "0 of 2 runs were stable" in " ".join(summary_of(data).answer)
    page = page_of(data, tmp_path)
    assert "ended early, at step 10 of 20" in page
    assert all(rule.condition in page for rule in LOST_RULES)
    assert LOST_RULES[0].condition not in page_of(made_sweep(made_run({}, 0)), tmp_path)
