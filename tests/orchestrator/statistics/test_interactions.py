"""Interactions on results made by hand."""

from __future__ import annotations

from itertools import product

from support.made_results import result

from orchestrator.statistics.interactions import pairwise_interactions
from orchestrator.statistics.result import Result


def grid(seeds: int = 4) -> list[Result]:
    """noise helps by 1, and by 5 more at lr=2; smoothing at lr=2 costs 2 more; the seed is luck of 10."""
    return [
        result(
            stable=lr == 1 or bool(noise),
            final=50.0 + 10 * seed - noise - 5 * noise * (lr == 2) + 2 * smoothing * (lr == 2) + lr,
            seed=seed,
            lr=lr,
            noise=noise,
            smoothing=smoothing,
        )
        for seed, lr, noise, smoothing in product(range(seeds), (1, 2), (0, 1), (0, 1))
    ]


def test_the_largest_comes_first_and_each_is_what_it_was_made() -> None:
    interactions = pairwise_interactions(grid(), "final")
    assert [(interaction.factors, interaction.change.mean) for interaction in interactions] == [
        (("lr", "noise"), -5.0),
        (("lr", "smoothing"), 2.0),
        (("noise", "smoothing"), 0.0),
    ]
    assert (interactions[0].group, interactions[0].first, interactions[0].second) == ("g", (1, 2), (0, 1))
    assert (interactions[0].sets, interactions[0].change.pairs) == (8, 4)


def test_in_the_share_of_stable_runs_it_is_bounded_by_two_and_has_width() -> None:
    first = pairwise_interactions(grid(), "stable")[0]
    assert (first.factors, first.change.mean) == (("lr", "noise"), 1.0)
    assert 0 < first.change.low < 1.0 < first.change.high <= 2
    assert pairwise_interactions(grid(seeds=1), "stable")[0].change[:3] == (1.0, -2.0, 2.0)


def test_four_runs_that_are_not_all_there_show_none() -> None:
    missing = [run for run in grid() if (run.factors["lr"], run.factors["noise"]) != (2, 1)]
    assert [interaction.factors for interaction in pairwise_interactions(missing, "final")] == [
        ("lr", "smoothing"),
        ("noise", "smoothing"),
    ]
    assert pairwise_interactions([result(final=None, lr=lr, noise=n) for lr in (1, 2) for n in (1, 2)], "final") == []


def test_groups_and_factors_of_one_level_do_not_interact() -> None:
    runs = [result(group=group, lr=lr, noise=1) for group in "gh" for lr in (1, 2)]
    assert pairwise_interactions(runs, "stable") == []
