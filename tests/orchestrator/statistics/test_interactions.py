"""Interactions on results made by hand."""

from __future__ import annotations

from itertools import product

import pytest
from support.made_results import result

from orchestrator.statistics.interactions import pairwise_interactions
from orchestrator.statistics.result import Result


def grid(seeds: int = 4) -> list[Result]:
    """At lr=1 all is stable, at lr=2 only with noise, at lr=3 only with noise or, on one seed of four, smoothing."""
    return [
        result(
            stable=lr == 1 or bool(noise) or (lr == 3 and smoothing and seed % 4 == 0),
            seed=seed,
            lr=lr,
            noise=noise,
            smoothing=smoothing,
        )
        for seed, lr, noise, smoothing in product(range(seeds), (1, 2, 3), (0, 1), (0, 1))
    ]


def test_the_largest_comes_first_and_each_is_what_it_was_made() -> None:
    interactions = pairwise_interactions(grid())
    changes = [(interaction.factors, interaction.first, interaction.change.mean) for interaction in interactions]
    assert changes == [
        (("lr", "noise"), (1, 2), 1.0),
        (("lr", "noise"), (1, 3), 0.875),
        (("lr", "smoothing"), (1, 3), 0.125),
        (("noise", "smoothing"), (0, 1), pytest.approx(-0.25 / 3)),
        (("lr", "smoothing"), (1, 2), 0.0),
    ]
    assert (interactions[0].group, interactions[0].second) == ("g", (0, 1))
    assert (interactions[0].sets, interactions[0].change.pairs) == (8, 4)


def test_it_is_bounded_by_two_and_has_width() -> None:
    first = pairwise_interactions(grid())[0]
    assert (first.factors, first.change.mean) == (("lr", "noise"), 1.0)
    assert 0 < first.change.low < 1.0 < first.change.high <= 2
    assert pairwise_interactions(grid(seeds=1))[0].change[:3] == (1.0, -2.0, 2.0)


def test_four_runs_that_are_not_all_there_show_none() -> None:
    missing = [run for run in grid() if (run.factors["lr"], run.factors["noise"]) not in ((2, 1), (3, 1))]
    assert {interaction.factors for interaction in pairwise_interactions(missing)} == {
        ("lr", "smoothing"),
        ("noise", "smoothing"),
    }
    unfinished = [result(stable=None, lr=lr, noise=n) for lr in (1, 2) for n in (1, 2)]
    assert pairwise_interactions(unfinished) == []


def test_groups_and_factors_of_one_level_do_not_interact() -> None:
    runs = [result(group=group, lr=lr, noise=1) for group in "gh" for lr in (1, 2)]
    assert pairwise_interactions(runs) == []
