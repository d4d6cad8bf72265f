"""Which of the tried settings a search names, and which of them gets one more seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp

import numpy as np

from orchestrator.space import Interval, Space
from orchestrator.statistics.candidates import (
    Candidate,
    Tried,
    best_first,
    candidates,
    next_to_run,
    tried_settings,
)
from orchestrator.statistics.result import Result

LR = "optimizer.lr"
LINE = Space((Interval(LR, 0.0, 1.0, False),))


def run(lr: float, distance: float | None, stable: bool | None = True, seed: int = 0) -> Result:
    settings = {LR: lr}
    return Result("g", f"lr={lr}", seed, settings, stable, 10, None, distance, distance, distance is not None)


def found(runs: Sequence[Result], space: Space = LINE) -> list[Candidate]:
    return candidates(space, tried_settings([(each.factors, each) for each in runs]))


def candidate(name: int, share: float, mean: float, error: float, stable: int = 1, total: int = 1) -> Candidate:
    runs = tuple(run(name, 1.0, number < stable) for number in range(total))
    return Candidate(Tried({LR: float(name)}, name, runs), share, mean, error)


def test_the_luckiest_run_is_not_named_where_its_neighbours_say_that_it_was_luck() -> None:
    rng = np.random.default_rng(0)
    places = np.linspace(0.02, 0.98, 33)
    runs = [run(float(x), 30 * exp(2 * (x - 0.7) ** 2 + 0.02 * rng.standard_normal())) for x in places]
    lucky = run(0.05, 28.0)  # the curve is at 70 there
    named = best_first(found([*runs, lucky]), 0.9)[0]
    assert abs(named.tried.settings[LR] - 0.7) < 0.1


def test_settings_that_failed_once_in_two_runs_are_not_named_if_nine_in_ten_shall_be_stable() -> None:
    failing = [run(0.5, 20.0, seed=0), run(0.5, None, False, seed=1)]
    others = [run(0.5 + 0.05 * number, 30.0 + number, seed=2) for number in range(1, 6)]
    order = [each.tried.settings[LR] for each in best_first(found([*failing, *others]), 0.9)]
    assert order[0] != 0.5 and order[-1] == 0.5
    assert best_first(found([*failing, *others]), 0.5)[0].tried.settings[LR] == 0.5


def test_a_share_that_neighbours_make_doubtful_stands_behind_one_that_they_support() -> None:
    doubtful, sound = candidate(1, 0.6, 1.0, 0.1), candidate(2, 0.95, 2.0, 0.1)
    assert best_first([doubtful, sound], 0.9) == [sound, doubtful]


def test_seven_of_25_are_28_percent() -> None:
    assert candidate(1, 1.0, 1.0, 0.1, 7, 25).keeps(0.28) and not candidate(1, 1.0, 1.0, 0.1, 6, 25).keeps(0.28)


def test_what_a_schedule_has_stopped_says_nothing_of_stability() -> None:
    stopped = replace(run(0.4, 50.0, None), stopped=True)
    runs = [run(0.4, 30.0), stopped, run(0.6, 40.0)]
    (one, _) = found(runs)
    assert len(one.tried.runs) == 2 and len(one.tried.judged) == 1 and one.keeps(1.0)
    unfinished = replace(stopped, stopped=False)
    assert not found([runs[0], unfinished, runs[2]])[0].keeps(0.9), "an unfinished run did not get there"


def test_equal_settings_are_one_however_they_are_written() -> None:
    points = [({LR: 1e-3}, run(1e-3, 1.0)), ({LR: 0.001}, None), ({LR: 0.002}, None)]
    tried = tried_settings(points)
    assert [(len(each.runs), each.waiting) for each in tried] == [(1, 1), (0, 1)]


def test_the_leader_and_who_could_most_easily_be_better_take_turns() -> None:
    leader, close, hopeless = candidate(1, 1, 3.0, 0.1), candidate(2, 1, 3.1, 0.3), candidate(3, 1, 4.0, 0.3)
    assert next_to_run([leader, close, hopeless], 0.9) == leader, "as many runs: the leader first"
    ahead = replace(leader, tried=replace(leader.tried, waiting=1))
    assert next_to_run([ahead, close, hopeless], 0.9) == close, "a run that is still to end counts"


def test_who_is_not_stable_often_enough_gets_no_more_seeds() -> None:
    fails, second, third = candidate(1, 0.5, 1.0, 0.1, 1, 2), candidate(2, 1, 3.0, 0.1), candidate(3, 1, 3.1, 0.1)
    assert next_to_run([fails, second, third], 0.9) in (second, third)


def test_waiting_runs_make_an_estimate_surer_in_advance() -> None:
    runs = [run(0.1 * number, 30.0 + number % 3) for number in range(10)]
    points = [(each.factors, each) for each in runs]
    before = candidates(LINE, tried_settings(points))[0].error
    after = candidates(LINE, tried_settings([*points, (runs[0].factors, None)]))[0].error
    assert after < before


def test_without_a_stable_run_that_was_measured_there_is_no_candidate() -> None:
    assert found([run(0.1, None, False), run(0.2, 80.0, False)]) == []
    assert next_to_run([], 0.9) is None
