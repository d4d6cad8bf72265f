"""The time left of many trials, kept up without looking at all of them."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_cost import mean_step_seconds

Events = list[tuple[int, float, float]]


def variants(plan: Plan) -> Plan:
    """Twelve trials in three groups, each group with cheap and dear ones."""
    trials: list[PlannedTrial] = []
    for number in range(12):
        original = plan.trials[number % len(plan.trials)]
        trial = replace(original.trial, group=f"group {number % 3}")
        config = original.config.model_copy(update={"batch_size": 8 * (1 + number % 2), "steps": 10 + number})
        trials.append(replace(original, key=str(number), trial=trial, config=config))
    return replace(plan, trials=trials)


def summed_over_all(plan: Plan, workers: int, left: dict[str, int], reports: list[tuple[str, int, float]]) -> float:
    """The definition: each trial's steps at its group's speed so far, or at that of all."""
    costs = {p.key: mean_step_seconds(p.config) for p in plan.trials}
    group = {p.key: p.trial.group for p in plan.trials}
    units: dict[str, float] = defaultdict(float)
    seconds: dict[str, float] = defaultdict(float)
    for key, steps, spent in reports:
        units[group[key]] += steps * costs[key]
        seconds[group[key]] += spent
    if not sum(units.values()):
        return math.inf
    overall = sum(seconds.values()) / sum(units.values())
    speed = {name: seconds[name] / units[name] if units[name] else overall for name in group.values()}
    return sum(steps * costs[key] * speed[group[key]] for key, steps in left.items()) / workers


@given(st.lists(st.tuples(st.integers(0, 11), st.floats(0, 1), st.floats(0.1, 100)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_time_left_is_the_sum_over_all_trials_whatever_they_report(plan: Plan, events: Events) -> None:
    eta, reports = Eta(plan, workers=3), list[tuple[str, int, float]]()
    left = {p.key: p.config.steps for p in plan.trials}
    for number, share, seconds in events:
        key = str(number)
        remaining = round(left[key] * share)
        if share < 0.1:  # it ends early
            eta.close(key)
            left[key] = 0
        else:
            eta.progress(key, remaining, seconds)
            reports.append((key, left[key] - remaining, seconds))
            left[key] = remaining
        assert eta.seconds_left() == pytest.approx(summed_over_all(plan, 3, left, reports), rel=1e-9)


def test_the_time_left_follows_the_number_of_workers_but_never_beyond_that_of_the_trials(plan: Plan) -> None:
    eta = Eta(plan, workers=3)
    eta.progress("0", 0, 10.0)
    before = eta.seconds_left()
    eta.set_workers(1)
    assert eta.seconds_left() == pytest.approx(3 * before)
    eta.set_workers(1000)
    assert eta.seconds_left() == pytest.approx(3 * before / 12)
    eta.set_workers(0)  # none just now
    assert eta.seconds_left() == pytest.approx(3 * before)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    from support.tiny import TINY

    from orchestrator.planning.plan import make_plan
    from orchestrator.sweepfile import loader

    folder = tmp_path_factory.mktemp("clock")
    (folder / "tiny.yaml").write_text(TINY)
    return variants(make_plan(loader.load(folder / "tiny.yaml"), folder / "home"))
