"""What a sweep that trains until its question is answered decides: pure functions of the trials that have ended."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from support.made_trials import GRID, LR, NOISE, Outcome, member, name_of, planned, trials

from orchestrator.planning.adaptive import InterimAnalysis, TrialId, comparisons_to_test, interim_analysis, trials_ahead
from orchestrator.statistics.group_comparison import Member
from orchestrator.statistics.sequential import State
from orchestrator.sweepfile.model import UntilAnswered

UNTIL = UntilAnswered(first=3, most=12, best=False)
LUCK = [1.0, 1.12, 0.95, 1.05, 0.9, 1.08, 0.97, 1.01, 1.1, 0.93, 1.04, 0.98]


def lr_decides(levels: dict[str, Any], seed: int) -> tuple[bool, float]:
    """The larger learning rate makes images twice as good; noise does nothing, and the luck of each run is its own."""
    own = LUCK[(3 * seed + 5 * (levels[NOISE] > 0) + 7 * levels[LR]) % 12]
    return True, own * (10 if levels[LR] == 1 else 5)


def lr_ruins(levels: dict[str, Any], seed: int) -> tuple[bool, float | None]:
    """The larger learning rate lets no run draw."""
    return levels[LR] == 1, 10 * LUCK[seed] if levels[LR] == 1 else None


def state(now: InterimAnalysis, factor: str, outcome: str) -> State:
    return next(
        test.state for compared, name, test in now.tests if (compared.comparison.factor, name) == (factor, outcome)
    )


def trained(outcome: Outcome, until: UntilAnswered) -> list[InterimAnalysis]:
    """The analysis at each look of a sweep that trains what is missing, and nothing else."""
    every, ended, looks = trials(outcome, until.most), dict[TrialId, Member](), []
    while True:
        looks.append(interim_analysis(planned(), ended, until))
        if looks[-1].end:
            return looks
        assert looks[-1].missing and not set(looks[-1].missing) & ended.keys()
        ended |= {trial: every[trial] for trial in looks[-1].missing}


def test_every_factor_is_asked_about_in_stable_runs_and_in_quality() -> None:
    comparisons = comparisons_to_test(planned(), UNTIL)
    assert [each.comparison.factor for each in comparisons] == [LR, NOISE]
    assert set(comparisons[0].pairs) == {("1 0", "2 0"), ("1 0.1", "2 0.1")}


def test_only_the_factors_that_are_named_are_asked_about() -> None:
    comparisons = comparisons_to_test(planned(), UntilAnswered(3, 12, factors=(NOISE,)))
    assert [each.comparison.factor for each in comparisons] == [NOISE]


def test_groups_that_differ_in_a_setting_are_asked_about() -> None:
    plain, penalty = ({"loss.gradient_penalty": value, LR: 1} for value in (0, 10))
    groups = [
        member({}, 0, True, 1.0, name)._replace(settings=own) for name, own in (("plain", plain), ("r1", penalty))
    ]
    (compared,) = comparisons_to_test(groups, UNTIL)
    assert compared.comparison.factor == "loss.gradient_penalty"
    assert compared.pairs == (("plain", "r1"),)


def test_the_first_look_waits_for_all_trials_of_its_seeds() -> None:
    now = interim_analysis(planned(), {}, UNTIL)
    assert now.seeds == 0 and now.end is None
    assert set(now.missing) == {(name_of(levels), seed) for levels in GRID for seed in range(3)}
    ended = trials(lr_decides, 3)
    last = ended.pop(("2 0.1", 2))
    assert interim_analysis(planned(), ended, UNTIL).missing == (("2 0.1", 2),)
    assert interim_analysis(planned(), ended | {("2 0.1", 2): last}, UNTIL).seeds == 3


def test_a_large_effect_ends_the_question_long_before_the_last_seed() -> None:
    now = trained(lr_decides, UntilAnswered(3, 12, factors=(LR,), best=False, same_stable=0.9))[-1]
    assert state(now, LR, "quality") is State.SHOWN
    assert now.end == "answered" and now.seeds < 12
    assert now.trials == 4 * now.seeds


def test_the_order_in_which_trials_end_and_those_that_ended_ahead_change_no_decision() -> None:
    """Seeds count in their order: a run that diverges ends early, and would be looked at more often than others."""
    looks = trained(lr_decides, UNTIL)
    every = list(trials(lr_decides, 12).items())
    for number in range(5):
        random.Random(number).shuffle(every)
        for count in (15, 25, len(every)):
            ended = dict(every[:count])
            now = interim_analysis(planned(), ended, UNTIL)
            same = next(look for look in looks if look.seeds == now.seeds)
            assert (now.comparisons, now.wanted, now.end, now.trials) == (
                same.comparisons,
                same.wanted,
                same.end,
                same.trials,
            )


def test_what_was_settled_or_given_up_is_trained_no_more() -> None:
    """One factor of three levels: the level that is shown first rests, while the other one goes on."""
    grid = [{LR: lr} for lr in (1, 2, 3)]

    def outcome(levels: dict[str, Any], seed: int) -> tuple[bool, float]:
        scale = {1: 10.0, 2: 1.0, 3: 9.0}[levels[LR]]
        return True, scale * LUCK[(5 * seed + levels[LR]) % 12]

    until = UntilAnswered(3, 12, best=False, same_stable=0.9, same_quality=0.05)
    looks = [interim_analysis(planned(grid), trials(outcome, seeds, grid), until) for seeds in range(3, 12)]
    rested = next(look for look in looks if look.wanted == ("1", "3"))
    assert {
        test.state for compared in rested.comparisons for test in compared.tests if compared.comparison.after == "2"
    } == {
        State.SHOWN,
        State.SMALL,
    }
    assert rested.missing == (("1", rested.seeds), ("3", rested.seeds)), "both of a pair go on"


def test_a_question_whose_runs_never_draw_is_not_waited_for() -> None:
    now = trained(lr_ruins, UntilAnswered(3, 12, factors=(LR,), best=False))[-1]
    assert state(now, LR, "stable") is State.SHOWN
    assert state(now, LR, "quality") is State.OPEN
    assert now.end == "out of reach" and now.seeds < 12


def test_what_is_out_of_reach_takes_more_seeds_than_the_last_look_has() -> None:
    """Few pairs draw, and what they show would be settled soon if each seed had such a pair."""

    def outcome(levels: dict[str, Any], seed: int) -> tuple[bool, float | None]:
        drew = levels[LR] == 1 or seed % 4 == 0
        return drew, (10 if levels[LR] == 1 else 16) * LUCK[(3 * seed + levels[LR]) % 12] if drew else None

    now = trained(outcome, UntilAnswered(3, 12, factors=(LR,), best=False, same_stable=0.05, same_quality=0.01))[-1]
    assert now.end == "out of reach"
    needed = [number for each in now.comparisons for number in each.seeds_needed if number is not None]
    assert needed and min(needed) > 12


def test_a_setting_that_saves_runs_from_ruin_is_not_said_to_do_harm() -> None:
    """Runs that it saves draw worse than those that needed no help: the ratio alone would hold against it."""

    def saving(levels: dict[str, Any], seed: int) -> tuple[bool, float | None]:
        index = 2 * levels[LR] + (levels[NOISE] > 0)
        if levels[NOISE] == 0 and levels[LR] == 2:
            return False, None
        return True, 10 * LUCK[(seed + index) % 12] * (1.2 if levels[NOISE] else 1.0)

    now = interim_analysis(planned(), trials(saving, 12), UntilAnswered(3, 12, factors=(NOISE,), best=False))
    assert state(now, NOISE, "quality") is not State.SHOWN


def test_at_the_last_look_it_ends_with_what_is_open() -> None:
    def halves(levels: dict[str, Any], seed: int) -> tuple[bool, float]:
        return True, 10 * (1.0 + 0.05 * ((seed + levels[LR]) % 3)) * (1.03 if levels[LR] == 2 else 1)

    now = trained(halves, UntilAnswered(2, 4, factors=(LR,), best=False, same_quality=0.01))[-1]
    assert now.seeds <= 4 and now.end in ("most seeds", "out of reach")
    assert state(now, LR, "quality") is State.OPEN


def test_whoever_is_shown_to_be_worse_cannot_be_the_best() -> None:
    grid = [{LR: lr} for lr in (1, 2, 3)]

    def outcome(levels: dict[str, Any], seed: int) -> tuple[bool, float | None]:
        own = LUCK[(5 * seed + levels[LR]) % 12]
        return (False, None) if levels[LR] == 3 else (True, own * (10 if levels[LR] == 1 else 2))

    until = UntilAnswered(3, 12, factors=(), best=True, same_stable=0.9)
    now = interim_analysis(planned(grid), trials(outcome, 12, grid), until)
    assert now.contest is not None and now.contest.left == ("2",)


def test_equal_configurations_stay_in_the_contest() -> None:
    until = UntilAnswered(3, 12, best=True)
    now = interim_analysis(
        planned(), trials(lambda levels, seed: (True, LUCK[(seed * 5 + levels[LR]) % 12]), 12), until
    )
    assert now.contest is not None and len(now.contest.left) == 4


def test_failed_and_unfinished_trials_have_ended() -> None:
    """A failed one is not stable; an unfinished one says nothing, and does not hold the look up."""
    ended = trials(lr_decides, 3)
    ended["1 0", 1] = member(GRID[0], 1, False, None)
    ended["2 0", 2] = member(GRID[2], 2, None, None)
    now = interim_analysis(planned(), ended, UNTIL)
    assert now.seeds == 3
    assert all(test.looks for _, name, test in now.tests if name == "stable")


def test_quality_of_two_evaluators_is_not_compared() -> None:
    ended = trials(lr_decides, 12)
    for seed in range(12):
        ended["1 0", seed] = ended["1 0", seed]._replace(evaluator="other")
    now = interim_analysis(planned(), ended, UntilAnswered(3, 12, factors=(LR,), best=False))
    assert state(now, LR, "quality") is State.OPEN


def test_nobody_is_the_best_by_distances_of_two_evaluators() -> None:
    ended = {trial: each._replace(evaluator=trial[0][:1]) for trial, each in trials(lr_decides, 12).items()}
    now = interim_analysis(planned(), ended, UntilAnswered(3, 12, factors=(LR,), best=True))
    assert now.contest is not None and len(now.contest.left) == 4
    same = interim_analysis(planned(), trials(lr_decides, 12), UntilAnswered(3, 12, factors=(LR,), best=True))
    assert same.contest is not None and len(same.contest.left) < 4


def test_free_workers_take_what_the_looks_after_the_next_one_need() -> None:
    now = interim_analysis(planned(), trials(lr_decides, 3), UNTIL)
    assert {seed for _, seed in now.missing} == {3}
    ahead = list(itertools.islice(trials_ahead(now, UNTIL), 2 * len(now.wanted)))
    assert ahead == [(name, seed) for seed in (4, 5) for name in now.wanted]


@pytest.mark.parametrize("seeds", range(3, 13))
def test_an_interval_of_a_look_contains_its_mean_and_counts_its_seeds(seeds: int) -> None:
    now = interim_analysis(planned(), trials(lr_decides, seeds), UNTIL)
    for _, _, test in now.tests:
        for seen in test.looks:
            assert seen.low <= seen.mean <= seen.high and 3 <= seen.seeds <= now.seeds
