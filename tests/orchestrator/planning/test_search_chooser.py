"""A search: what it takes first, what informs it, and that its choices depend on nothing but what has ended."""

from __future__ import annotations

from dataclasses import replace
from math import exp, isfinite, log

import pytest
from support.made_surfaces import SURFACES, Surface

from orchestrator.planning import optuna_points
from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint, sobol_start
from orchestrator.planning.search_chooser import START, SearchChooser, results_of
from orchestrator.space import Choice, Integers, Interval, Space
from orchestrator.statistics.candidates import named_first
from orchestrator.statistics.result import Result

LAG = 4
CLIFF = SURFACES[0]
MIXED = Space(
    (Interval("optimizer.lr", 1e-4, 1e-1, True), Integers("loss.n_critic", 1, 9, 2), Choice("loss.name", ("a", "b")))
)


def searched(surface: Surface, chooser: SearchChooser, count: int, repetition: int = 0) -> list[EndedPoint]:
    ended: list[EndedPoint] = []
    for number in range(count):
        known = max(0, number - LAG + 1)
        point = chooser.choose(number, ended[:known], [each.point for each in ended[known:]])
        ended.append(EndedPoint(point, surface.run(point.settings, point.seed, repetition)[0]))
    return ended


def ended_with(point: ChosenPoint, stable: bool | None, distance: float | None, stopped: bool = False) -> EndedPoint:
    result = Result(
        "g", "c", point.seed, point.settings, stable, 10, None, distance, distance, bool(stable), stopped=stopped
    )
    return EndedPoint(point, result)


def test_it_begins_with_the_points_that_a_sample_would_draw() -> None:
    chooser = SearchChooser(CLIFF.space, 3, 40, 0.9)
    ended = searched(CLIFF, chooser, START)
    assert [each.point for each in ended] == [sobol_start(CLIFF.space, 3, number) for number in range(START)]


def test_the_next_point_is_a_function_of_what_has_ended() -> None:
    chooser = SearchChooser(CLIFF.space, 0, 40, 0.9)
    ended = searched(CLIFF, chooser, 16)
    pending = [each.point for each in ended[13:]]
    point = chooser.choose(16, ended[:13], pending)
    assert point == SearchChooser(CLIFF.space, 0, 40, 0.9).choose(16, ended[:13], pending)
    assert point == SearchChooser(CLIFF.space, 0, 99, 0.9).choose(16, ended[:13], pending), "more trials go on from it"
    assert point != replace(chooser, seed=1).choose(16, ended[:13], pending)
    worse = [*ended[:12], ended_with(ended[12].point, False, None)]
    best = [*ended[:12], ended_with(ended[12].point, True, 1.0)]
    assert chooser.choose(16, worse, pending) != chooser.choose(16, best, pending)


def test_each_trial_has_its_number_as_seed_and_the_last_ones_repeat_settings() -> None:
    chooser = SearchChooser(CLIFF.space, 0, 24, 0.9)
    ended = searched(CLIFF, chooser, 24)
    assert [each.point.seed for each in ended] == list(range(24))
    assert chooser.looking == 18
    earlier = [each.point.settings for each in ended[: chooser.looking]]
    assert all(each.point.settings in earlier for each in ended[chooser.looking :])


def test_what_is_told_apart_is_stable_so_far() -> None:
    chooser = SearchChooser(CLIFF.space, 0, 24, 0.9)
    ended = searched(CLIFF, chooser, 24)
    for number in range(chooser.looking, 24):
        known = ended[: number - LAG + 1]
        runs = [each.result.stable for each in known if each.point.settings == ended[number].point.settings]
        assert all(runs)


def test_neither_nan_nor_nothing_reaches_the_sampler() -> None:
    points = [ChosenPoint({"optimizer.lr": 1e-3, "loss.n_critic": 1, "loss.name": "a"}, seed) for seed in range(5)]
    ended = [
        ended_with(points[0], True, 20.0),
        ended_with(points[1], True, 40.0),
        ended_with(points[2], False, None),
        ended_with(points[3], False, 5.0),
        ended_with(points[4], None, 33.0, stopped=True),
    ]
    values = optuna_points._values(ended)
    assert all(isfinite(value) for value in values)
    assert values[2] == values[3] == log(40.0), "ruined images that look near the data are not better than stable ones"


def test_all_diverged_is_no_reason_to_break_off() -> None:
    chooser = SearchChooser(MIXED, 0, 40, 0.9)
    ended = [ended_with(sobol_start(MIXED, 0, number), False, None) for number in range(START)]
    assert chooser.choose(START, ended, [])
    assert chooser.choose(39, ended, []), "nothing is there to be told apart, so it looks on"
    assert named_first(MIXED, results_of(ended), 0.9) == []


def test_values_are_those_that_the_space_has() -> None:
    chooser = SearchChooser(MIXED, 0, 40, 0.9)
    ended = [
        ended_with(point := sobol_start(MIXED, 0, number), True, 20 * exp(point.settings["optimizer.lr"]))
        for number in range(START + 2)
    ]
    for number in range(START, START + 6):
        point = chooser.choose(number, ended, [])
        for dimension in MIXED.dimensions:
            value = point.settings[dimension.path]
            assert dimension.contains(value)
            if isinstance(dimension, Interval):
                assert value == dimension.value_at(dimension.position_of(value)), "as many digits as any drawn value"


@pytest.mark.parametrize("repetition", [0, 1])
def test_what_it_names_beside_a_cliff_is_stable(repetition: int) -> None:
    chooser = SearchChooser(CLIFF.space, repetition, 40, 0.9)
    ended = searched(CLIFF, chooser, 40, repetition)
    quality, chance = CLIFF.truth(named_first(CLIFF.space, results_of(ended), 0.9)[0].tried.settings)
    assert chance >= 0.8, "where the 90% are exactly, 40 runs cannot tell"
    assert quality - CLIFF.best(0.9) < log(1.4)
