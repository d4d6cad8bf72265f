"""How long a plan takes, from what was measured before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.tiny import finished_trial

from gan_core.config.identity import unflatten
from gan_core.config.trial import TrialConfig
from orchestrator import environment
from orchestrator.planning.plan import Plan
from orchestrator.planning.runtime_estimate import (
    PILOT,
    SAME_CONFIGURATION,
    TimedTrial,
    Timings,
    estimate_runtime,
    is_comparable,
    makespan,
    timed_trials,
    unfinished_longest_first,
)
from orchestrator.planning.trial_cost import training_seconds
from orchestrator.store.record import Record

MakePlan = Callable[[], Plan]


def config(**settings: Any) -> TrialConfig:
    return TrialConfig.model_validate(unflatten({name.replace("__", "."): value for name, value in settings.items()}))


def test_seed_steps_and_place_do_not_matter_and_everything_else_does() -> None:
    measured = [TimedTrial(config(seed=3, steps=7, checkpoint_every=1, data__root="x"), 0.5)]
    assert Timings(measured).estimate(config(), "a") == (0.5, SAME_CONFIGURATION)
    estimated = Timings(measured).estimate(config(stabilizers__label_smoothing=0.1), "a")
    assert estimated == (0.5, "other dcgan trials")


def test_the_same_configuration_counts_alone_and_a_busy_hour_does_not_spoil_it() -> None:
    same = [TimedTrial(config(seed=seed), slowness) for seed, slowness in enumerate((1.0, 1.1, 90.0))]
    assert Timings([*same, TimedTrial(config(batch_size=32), 70.0)]).estimate(config(), "a") == (
        pytest.approx(1.1),
        SAME_CONFIGURATION,
    )


def test_a_pilot_of_the_group_counts_alone() -> None:
    measured = [TimedTrial(config(batch_size=8), 3.0, pilot_of="a"), TimedTrial(config(), 1.0)]
    assert Timings(measured).estimate(config(), "a") == (3.0, PILOT)
    assert Timings(measured).estimate(config(), "b") == (1.0, SAME_CONFIGURATION)


def test_the_nearest_kind_of_trial_counts() -> None:
    acgan = TimedTrial(config(model__family="acgan"), 9.0)
    dcgan = TimedTrial(config(batch_size=32), 1.0)
    assert Timings([acgan, dcgan]).estimate(config(batch_size=64), "a") == (1.0, "other dcgan trials")
    assert Timings([acgan]).estimate(config(batch_size=64), "a") == (9.0, "trials of other models")
    assert Timings([]).estimate(config(), "a") is None


@pytest.mark.parametrize(
    ("durations", "workers", "seconds"),
    [([3, 3, 3], 1, 9), ([3, 3, 3], 2, 6), ([1, 1, 1, 9], 2, 10), ([5], 8, 5), ([], 2, 0)],
)
def test_workers_take_the_next_trial_as_they_become_free(durations: list[float], workers: int, seconds: float) -> None:
    assert makespan(durations, workers) == seconds


def test_a_plan_takes_its_remaining_steps_at_their_pace(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    begun = replace(plan.trials[0], record=Record(plan.trials[0].key, "interrupted", step=6))
    done = replace(plan.trials[1], record=Record(plan.trials[1].key, "finished", step=8))
    plan = replace(plan, trials=[begun, done, *plan.trials[2:]])
    estimated = estimate_runtime(plan, [TimedTrial(plan.trials[0].config, 2.0)], workers=1)
    assert estimated is not None
    seconds = [training_seconds(p.config, p.config.steps - p.remaining, 8) for p in plan.unfinished]
    assert len(seconds) == 3 and seconds[0] < seconds[1]
    assert estimated.seconds == estimated.training == pytest.approx(2.0 * sum(seconds))
    assert estimated.sources == {SAME_CONFIGURATION: 1, "other dcgan trials": 2}
    assert estimated.rough
    assert estimate_runtime(plan, [], workers=1) is None


def test_what_ran_here_is_found_and_another_processor_or_device_is_not(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    assert timed_trials(plan.folder.home, "cpu") == []
    folder = finished_trial(plan, plan.trials[0])
    device = str(folder.record().applied["device"])
    record = folder.record()
    (timed,) = timed_trials(plan.folder.home, device)
    assert timed.config == plan.trials[0].config
    assert timed.slowness == pytest.approx(record.seconds / training_seconds(timed.config, 0, 8))
    assert is_comparable(record, environment.cpu_model(), device)
    assert not is_comparable(record, "another processor", device)
    assert not is_comparable(record, environment.cpu_model(), "another device")
    assert not is_comparable(Record("new"), environment.cpu_model(), device)


def test_a_configuration_of_another_version_is_passed_over(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    folder = finished_trial(plan, plan.trials[0])
    folder.config_file.write_text('{"once": "a setting"}')
    assert timed_trials(plan.folder.home, str(folder.record().applied["device"])) == []


def test_the_longest_trial_begins_first_by_what_was_measured_and_else_by_cost(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    first, second, *rest = plan.trials
    begun = replace(second, record=Record(second.key, "interrupted", step=7, seconds=0.0))
    plan = replace(plan, trials=[begun, first, *rest])
    assert unfinished_longest_first(plan)[-1].key == second.key  # all but one of its steps are done
    fast = replace(first, record=Record(first.key, "finished", step=8, seconds=8.0))
    wide = {"model.family": "wgan_gp"}
    slow = replace(rest[0], config=TrialConfig.model_validate(unflatten(wide) | {"steps": 8}))
    slow = replace(slow, record=Record(slow.key, "interrupted", step=1, seconds=0.001))
    plan = replace(plan, trials=[slow, fast, *rest[1:]])
    assert [planned.key for planned in unfinished_longest_first(plan)][
        -1
    ] == slow.key  # it costs more by rule, less as measured
