"""`--confirm K`: which runs are made again, when, and on which seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.tiny import finished_trial

from gan_core.verdict.judge import Verdict
from gan_core.verdict.names import VerdictName
from orchestrator.planning.confirmation import MIN_SEEDS, SEEDS_OF_SEARCH, how_many, with_confirmations
from orchestrator.planning.disk_estimate import bytes_needed
from orchestrator.planning.plan import Plan
from orchestrator.planning.ranking import EndedTrial, rank_best
from orchestrator.space import Interval, Space
from orchestrator.statistics.result import Result
from orchestrator.store.json_files import write_json
from orchestrator.store.record import recorded
from orchestrator.sweepfile.model import Search
from orchestrator.sweepfile.sample import Sample

MakePlan = Callable[[], Plan]


def with_endings(plan: Plan, ends: dict[str, list[tuple[str, float | None]]]) -> Plan:
    """The plan with finished records: configuration -> (verdict, Frechet distance) of each seed."""
    for planned in plan.trials:
        verdict, distance = ends[planned.trial.configuration][planned.trial.seed]
        by_rules = recorded(Verdict(VerdictName(verdict), None, "", {}))
        record = replace(planned.record, status="finished", step=8, verdict=by_rules)
        record.evaluator = {"id": "e"}
        record.metrics = {} if distance is None else {"frechet/e": distance}
        folder = plan.folder.trial(planned.key)
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.write_record(record)
    return plan.with_current_records()


PLAIN, SMOOTHED = "dcgan smoothing=0", "dcgan smoothing=0.1"
SMOOTHED_IS_BETTER = {
    PLAIN: [("stable", 5.0), ("collapsed", 1.0)],
    SMOOTHED: [("stable", 9.0), ("stable", 9.0)],
}


def confirming(plan: Plan) -> list[tuple[str, int]]:
    return [(p.trial.configuration, p.trial.seed) for p in plan.trials if p.trial.confirms]


def test_the_best_by_the_leaderboard_run_again_on_fresh_seeds(tiny_plan: MakePlan) -> None:
    plan = with_endings(tiny_plan(), SMOOTHED_IS_BETTER)
    extended = with_confirmations(plan, 1)
    assert confirming(extended) == [(SMOOTHED, 2), (SMOOTHED, 3), (SMOOTHED, 4)]
    assert len(confirming(extended)) == MIN_SEEDS
    assert extended.trials[:4] == plan.trials
    assert extended.unfinished == extended.trials[4:]


def test_of_equally_stable_ones_the_smaller_distance_is_the_better(tiny_plan: MakePlan) -> None:
    ends = {PLAIN: [("stable", 4.0), ("stable", 4.0)], SMOOTHED: [("stable", 9.0), ("stable", 9.0)]}
    assert {name for name, _ in confirming(with_confirmations(with_endings(tiny_plan(), ends), 1))} == {PLAIN}


def test_more_than_there_are_is_all_of_them_best_first(tiny_plan: MakePlan) -> None:
    extended = with_confirmations(with_endings(tiny_plan(), SMOOTHED_IS_BETTER), 9)
    assert list(dict.fromkeys(name for name, _ in confirming(extended))) == [SMOOTHED, PLAIN]
    assert len(confirming(extended)) == 2 * MIN_SEEDS


def test_only_configurations_with_a_stable_run_run_again(tiny_plan: MakePlan) -> None:
    ends = {PLAIN: [("collapsed", 1.0), ("collapsed", 1.0)], SMOOTHED: [("stable", 9.0), ("collapsed", 2.0)]}
    extended = with_confirmations(with_endings(tiny_plan(), ends), 2)
    assert {name for name, _ in confirming(extended)} == {SMOOTHED}


def test_where_no_run_is_stable_nothing_runs_again_and_a_line_says_why(tiny_plan: MakePlan) -> None:
    plan = with_endings(tiny_plan(), {name: [("collapsed", 1.0), ("oscillating", 1.0)] for name in (PLAIN, SMOOTHED)})
    notes: list[str] = []
    assert with_confirmations(plan, 3, notes.append) is plan
    assert notes == ["nothing is confirmed: no run is stable"]


@pytest.mark.parametrize("status", ["pending", "running", "interrupted", "failed"])
def test_nothing_runs_again_before_all_have_ended(tiny_plan: MakePlan, status: str) -> None:
    plan = with_endings(tiny_plan(), SMOOTHED_IS_BETTER)
    plan.folder.trial(plan.trials[0].key).write_record(replace(plan.trials[0].record, status=status))
    plan = plan.with_current_records()
    assert with_confirmations(plan, 1) is plan


def test_nothing_runs_again_where_it_was_not_asked_for(tiny_plan: MakePlan) -> None:
    plan = with_endings(tiny_plan(), SMOOTHED_IS_BETTER)
    assert with_confirmations(plan, 0) == plan


def test_what_an_earlier_command_confirmed_stays(tiny_plan: MakePlan) -> None:
    first = with_confirmations(with_endings(tiny_plan(), SMOOTHED_IS_BETTER), 1)
    write_json(first.folder.sweep_file, first.to_document())
    finished_trial(first, first.unfinished[0])
    later = with_confirmations(tiny_plan(), 0)
    assert [p.key for p in later.trials[4:]] == [first.unfinished[0].key]  # the others never ran
    assert later.trials[4].trial.confirms


def test_the_same_command_again_makes_the_same_plan_and_finds_what_has_run(tiny_plan: MakePlan) -> None:
    first = with_confirmations(with_endings(tiny_plan(), SMOOTHED_IS_BETTER), 1)
    repeated = with_confirmations(tiny_plan(), 1)
    assert [(p.key, p.trial) for p in repeated.trials] == [(p.key, p.trial) for p in first.trials]
    finished_trial(first, first.unfinished[0])
    later = with_confirmations(tiny_plan(), 1)
    assert [p.key for p in later.trials] == [p.key for p in first.trials]
    assert [p.state for p in later.trials[4:]] == ["finished", "pending", "pending"]


def test_a_plan_that_confirms_already_is_left_as_it_is(tiny_plan: MakePlan) -> None:
    extended = with_confirmations(with_endings(tiny_plan(), SMOOTHED_IS_BETTER), 1)
    assert with_confirmations(extended, 1) is extended


def test_a_run_on_a_fresh_seed_has_the_settings_of_the_one_that_it_confirms(tiny_plan: MakePlan) -> None:
    extended = with_confirmations(with_endings(tiny_plan(), SMOOTHED_IS_BETTER), 1)
    original = next(p for p in extended.trials if p.trial.configuration == SMOOTHED)
    for planned in extended.trials[4:]:
        assert planned.config == original.config.model_copy(update={"seed": planned.trial.seed})
        assert planned.to_document()["confirms"]
        assert planned.trial.name == f"{SMOOTHED} seed={planned.trial.seed}"
        assert planned.evaluation == original.evaluation  # comparable
    assert len({planned.key for planned in extended.trials}) == len(extended.trials)


def test_only_a_search_confirms_without_being_asked(tiny_plan: MakePlan) -> None:
    sweep = tiny_plan().sweep
    search = replace(sweep, explores=Search(trials=4))
    assert [how_many(each, asked) for each in (sweep, search) for asked in (None, 0, 2)] == [0, 0, 2, 1, 0, 2]


def as_search(plan: Plan) -> Plan:
    """The plan as if a search had chosen its trials."""
    sample = Sample(Space((Interval("stabilizers.label_smoothing", 0.0, 0.1, False),)), 4)
    return replace(plan, sweep=replace(plan.sweep, explores=Search(trials=4), samples={"dcgan": sample}, seeds=[]))


def test_a_search_confirms_what_it_names_on_five_seeds_that_no_search_takes(tiny_plan: MakePlan) -> None:
    """By its luckiest run the other one would be the best; its settings failed with another seed."""
    plan = with_endings(tiny_plan(), {PLAIN: [("stable", 5.0), ("collapsed", 1.0)], SMOOTHED: [("stable", 9.0)] * 2})
    confirmed = confirming(with_confirmations(as_search(plan), 1))
    assert confirmed == [(SMOOTHED, 1_000_000 + number) for number in range(5)]


def test_the_room_of_a_search_has_the_trials_that_confirm(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    sweep_alone, search = (bytes_needed(each, workers=1) for each in (plan, as_search(plan)))
    assert search == pytest.approx(sweep_alone * (1 + SEEDS_OF_SEARCH / (len(plan.trials) + 1)), rel=0.2)
    assert search > sweep_alone


def test_a_trial_that_fails_every_time_does_not_keep_a_search_from_confirming(tiny_plan: MakePlan) -> None:
    plan = as_search(with_endings(tiny_plan(), SMOOTHED_IS_BETTER))
    failing = next(planned for planned in plan.trials if planned.trial.configuration == PLAIN)
    plan.folder.trial(failing.key).write_record(replace(failing.record, status="failed", verdict=None))
    plan = plan.with_current_records()
    assert not confirming(with_confirmations(plan, 1)), "it is tried again first"
    assert len(confirming(with_confirmations(plan, 1, has_trained=True))) == 5


@pytest.mark.parametrize("confirms", [(), ("lucky", "named")])
def test_the_generator_of_a_search_is_of_what_it_names(confirms: tuple[str, ...]) -> None:
    """Not of the luckiest run, which its neighbours contradict, also if both were confirmed."""

    def ended(name: str, seed: int, lr: float, distance: float) -> EndedTrial:
        result = Result("g", name, seed, {"lr": lr}, True, 8, None, distance, distance, True)
        return EndedTrial(f"{name}{seed}", name, True, "e", distance, result)

    trials = [ended(f"lr={number}", number, number / 20, 30 * 4 ** abs(number / 20 - 0.7)) for number in range(20)]
    trials += [ended("lucky", 20, 0.02, 28.0), *(ended("named", seed, 0.7, 31.0) for seed in range(21, 24))]
    explored = {"kind": "search", "stable": 0.9, "space": {"lr": {"uniform": [0.0, 1.0]}}}
    documents = [{"configuration": name, "confirms": True} for name in confirms]
    search: Any = {"trials": documents, "explored": explored}
    best, *others = rank_best(trials, search)
    assert best.configuration in ("lr=14", "named") and "which the search names" in best.reason
    assert not any(other.is_named for other in others)
    other_sweep: Any = {"trials": documents}
    assert rank_best(trials, other_sweep)[0].configuration == "lucky"
