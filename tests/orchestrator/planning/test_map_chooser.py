"""A map's trials: spread evenly first, then near the boundary, always the same ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint, sobol_start
from orchestrator.planning.map_chooser import START_PER_SETTING, MapChooser
from orchestrator.space import Integers, Interval, Space
from orchestrator.statistics.result import Result

LR, STEPS = "optimizer.lr", "loss.n_critic"
SPACE = Space((Interval(LR, 1e-4, 1e-1, is_log=True), Integers(STEPS, 1, 4)))
CHOOSER = MapChooser(SPACE, seed=0)
START = START_PER_SETTING * 2


def ended(point: ChosenPoint) -> EndedPoint:
    """Stable below lr = 3e-3."""
    stable = point.settings[LR] < 3e-3
    return EndedPoint(point, Result("g", "c", point.seed, point.settings, stable, 9, None, None, None, False))


@cache
def chosen(chooser: MapChooser, lag: int, trials: int = 24) -> list[ChosenPoint]:
    points: list[ChosenPoint] = []
    while len(points) < trials:
        known = max(0, len(points) - lag + 1)
        point = chooser.choose(len(points), [ended(each) for each in points[:known]], points[known:])
        points.append(point)
    return points


def test_first_trials_are_spread_evenly() -> None:
    points = chosen(CHOOSER, lag=3)
    assert points[:START] == [sobol_start(SPACE, 0, number) for number in range(START)]


def test_there_are_as_many_trials_as_asked_for_each_with_its_own_seed() -> None:
    assert [point.seed for point in chosen(CHOOSER, lag=3)] == list(range(24))


def test_later_trials_are_nearer_to_the_boundary() -> None:
    points = chosen(CHOOSER, lag=3)
    away = [abs(np.log(point.settings[LR] / 3e-3)) for point in points]
    assert np.median(away[START:]) < np.median(away[:START]) / 2


def test_all_settings_are_of_the_space() -> None:
    for point in chosen(CHOOSER, lag=3):
        assert all(dimension.contains(point.settings[dimension.path]) for dimension in SPACE.dimensions)


def test_choices_are_the_same_again_and_go_on_with_more_trials() -> None:
    first = chosen(CHOOSER, lag=3)
    assert chosen(CHOOSER, lag=3) == first
    assert chosen(CHOOSER, lag=3, trials=26)[:24] == first


def test_another_seed_chooses_other_points() -> None:
    assert chosen(replace(CHOOSER, seed=1), lag=3, trials=14) != chosen(CHOOSER, lag=3, trials=14)


def test_more_workers_than_trials_need_no_outcome() -> None:
    points = chosen(CHOOSER, lag=64)
    assert points == [sobol_start(SPACE, 0, number) for number in range(24)]


def test_trials_that_wait_at_the_same_time_are_apart() -> None:
    points = chosen(CHOOSER, lag=8)[START:]
    places = [(round(SPACE.dimensions[0].position_of(p.settings[LR]), 2), p.settings[STEPS]) for p in points]  # type: ignore[union-attr]
    assert len(set(places)) > len(places) / 2
