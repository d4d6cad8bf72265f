"""What the report does not say of a sweep that chose its trials by their outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.made_runs import LR, made_run, made_sweep, measured

from orchestrator.report import page, summary
from orchestrator.report.artifact_schemas import LoggedExplored
from orchestrator.report.content import report_content
from orchestrator.report.data import SweepData
from orchestrator.space import Interval, Space

RATES = (1e-4, 3e-4, 6e-4, 1e-3, 2e-3, 3e-3, 6e-3, 1e-2, 2e-2, 3e-2, 6e-2, 9e-2)


def sweep_of(explored: LoggedExplored | None) -> SweepData:
    """Twelve learning rates with a run each, of which the large ones collapse."""
    runs = [
        measured(made_run({LR: rate}, seed, "stable" if rate < 5e-3 else "collapsed", sampled=(LR,)), 40.0 + seed)
        for seed, rate in enumerate(RATES)
    ]
    space = Space((Interval(LR, 1e-4, 1e-1, is_log=True),))
    return made_sweep(*runs, spaces={"g": space}, explored=explored)


def searched() -> LoggedExplored:
    return LoggedExplored.model_validate(
        {"kind": "search", "trials": 12, "stable": 0.9, "space": {LR: {"log_uniform": [1e-4, 1e-1]}}}
    )


def _of(trials: int) -> LoggedExplored:
    return searched().model_copy(update={"trials": trials})


def test_chosen_trials_have_no_effects_and_the_same_drawn_ones_have() -> None:
    chosen, drawn = report_content(sweep_of(searched())), report_content(sweep_of(None))
    assert not chosen.analysis.drawn and not chosen.analysis.effects
    assert drawn.analysis.drawn


@pytest.mark.parametrize(("section", "stays"), [("drawn", False), ("factors", False), ("leaderboard", True)])
def test_the_page_has_the_sections_that_say_something(section: str, stays: bool) -> None:
    text = page.render(report_content(sweep_of(searched())), None)
    assert (f'id="{section}"' in text) is stays
    assert f'id="{section}"' in page.render(report_content(sweep_of(None)), None)


def test_the_share_of_stable_runs_is_said_to_say_nothing_of_the_space() -> None:
    lines = report_content(sweep_of(searched())).summary.lines
    assert any("6 of 12 runs were stable: each was chosen by how others ended" in line for line in lines)
    assert not any("more seeds" in line for line in lines)
    assert any("search.trials=24" in line for line in lines), "how to go on"


@pytest.mark.parametrize(("trials", "more"), [(499, "998"), (600, "1000"), (1000, "")])
def test_no_more_trials_are_suggested_than_a_file_may_have(trials: int, more: str) -> None:
    made = replace(sweep_of(searched()), explored=_of(trials))
    commands = [command for _, command in summary._next(made, [], None)]
    assert commands == ([f"orchestrate sweep s.yaml --set search.trials={more}"] if more else [])


def test_trials_that_are_not_chosen_yet_have_not_ended_and_no_more_are_suggested() -> None:
    lines = report_content(replace(sweep_of(searched()), explored=_of(trials=20))).summary.lines
    assert "8 more have not ended." in lines and not any("search.trials" in line for line in lines)


def test_longer_training_is_said_to_choose_all_trials_anew() -> None:
    runs = [made_run({LR: rate}, seed, "unfinished", sampled=(LR,)) for seed, rate in enumerate(RATES)]
    (reason, command) = summary._next(made_sweep(*runs, explored=searched()), [], None)[0]
    assert "trial.steps=40" in command and "all trials of the search are then chosen anew" in reason
