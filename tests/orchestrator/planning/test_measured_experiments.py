"""What `plan` says of the shipped experiments, against what their trials take: measured, on one quiet machine.

The seconds come from `python benchmarks/experiment_cost.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.commands import ROOT

from gan_core.config.trial import TrialConfig
from orchestrator.planning.runtime_estimate import TimedTrial, Timings
from orchestrator.planning.trial_cost import mean_step_seconds, training_seconds
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Trial

MEASURED: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("measured_experiments.json").read_text()
)
WITHIN = 1.5


def trials_of(experiment: str) -> list[tuple[Trial, dict[str, Any], int]]:
    """(one trial, what was measured, number of trials) of each configuration."""
    trials = loader.load(ROOT / "experiments" / experiment).trials
    numbers = Counter(trial.configuration for trial in trials)
    first = {trial.configuration: trial for trial in reversed(trials)}
    rows = {row["configuration"]: row for row in MEASURED[experiment]}
    assert rows.keys() == first.keys(), "it has changed: measure it again"
    return [(first[name], rows[name], number) for name, number in numbers.items()]


def seconds(config: TrialConfig, row: dict[str, Any]) -> float:
    """What a trial takes. It is also evaluated before its first step, and at its end."""
    if "in a sweep" in row:
        return float(row["in a sweep"])
    evaluations = 1 + -(-config.steps // config.evaluation.every)
    return float(config.steps * row["step"] + evaluations * row["evaluation"])


def estimated_over_measured(experiment: str, timings: Timings) -> float:
    estimated = measured = 0.0
    for trial, row, number in trials_of(experiment):
        slowness = timings.estimate(trial.config, trial.group)
        assert slowness
        estimated += number * slowness.factor * training_seconds(trial.config, 0, trial.config.steps)
        measured += number * seconds(trial.config, row)
    return estimated / measured


def test_every_experiment_is_measured() -> None:
    """But maps, whose trials are chosen while they run."""
    files = [str(file.relative_to(ROOT / "experiments")) for file in (ROOT / "experiments").rglob("*.yaml")]
    assert {file for file in files if loader.load(ROOT / "experiments" / file).trials} == MEASURED.keys()


@pytest.mark.parametrize("experiment", MEASURED)
def test_after_the_smoke_sweep_the_time_of_an_experiment_is_known_within_a_factor(experiment: str) -> None:
    timed = [
        TimedTrial(t.config, seconds(t.config, row) / training_seconds(t.config, 0, t.config.steps))
        for t, row, _ in trials_of("smoke.yaml")
    ]
    assert 1 / WITHIN <= estimated_over_measured(experiment, Timings(timed)) <= WITHIN


@pytest.mark.parametrize("experiment", MEASURED)
def test_after_a_pilot_it_is_too(experiment: str) -> None:
    pilots = {}
    for trial, row, _ in trials_of(experiment):
        step = row["step"] + row["evaluation"] / trial.config.evaluation.every
        pilots.setdefault(
            trial.group, TimedTrial(trial.config, step / mean_step_seconds(trial.config), pilot_of=trial.group)
        )
    assert 1 / WITHIN <= estimated_over_measured(experiment, Timings([*pilots.values()])) <= WITHIN
