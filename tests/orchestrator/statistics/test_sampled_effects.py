"""What is said of drawn settings, and that they are no factors of pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.made_points import CHOICE, LR, SPACE, Drawn, effects_of

from orchestrator.statistics.effects import paired_effects
from orchestrator.statistics.group_comparison import Member, results_of
from orchestrator.statistics.result import Result
from orchestrator.statistics.sampled_effects import MIN_POINTS, sampled_effects


def drawn(points: int = 16, seeds: int = 2, curve: str = "step") -> list[Result]:
    return Drawn(curve, points, seeds).results(np.random.default_rng(0))


def test_each_setting_has_an_effect_on_each_outcome() -> None:
    effects = sampled_effects(drawn(), {"g": SPACE})
    assert [(effect.dimension.path, effect.outcome) for effect in effects] == [
        (path, outcome) for path in SPACE.paths for outcome in ("stable", "frechet")
    ]
    assert {(effect.points, effect.seeds, effect.runs) for effect in effects} == {(16, 2, 32)}


def test_one_seed_has_curves_without_bands() -> None:
    effects = sampled_effects(drawn(seeds=1), {"g": SPACE})
    assert all(effect.curve and not effect.has_band for effect in effects)
    assert all(effect.has_band for effect in sampled_effects(drawn(), {"g": SPACE}))


def test_too_few_points_have_no_curve_and_claim_nothing() -> None:
    effects = sampled_effects(drawn(MIN_POINTS - 1), {"g": SPACE})
    assert effects
    assert not any(effect.curve or effect.holds for effect in effects)


def test_unfinished_runs_count_nowhere() -> None:
    runs = drawn()
    unfinished = [replace(run, stable=None, drew=False) if number % 2 else run for number, run in enumerate(runs)]
    effects = sampled_effects(unfinished, {"g": SPACE})
    assert {(effect.points, effect.seeds, effect.runs) for effect in effects} == {(16, 1, 16)}
    assert sampled_effects([replace(run, stable=None, drew=False) for run in runs], {"g": SPACE}) == []


def test_what_decides_stands_out_and_explains_most() -> None:
    effects = effects_of(Drawn("step", 64, 3), np.random.default_rng(1))
    assert effects[LR, "stable"].holds and effects[LR, "frechet"].holds
    assert effects[LR, "stable"].explained > effects[LR, "stable"].chance
    assert effects[LR, "stable"].explained > effects[CHOICE, "stable"].explained


def with_grid(runs: list[Result], effect: float = 0.0) -> list[Result]:
    """Each point at two levels of a grid, the second of which makes distances larger."""
    return [
        replace(run, factors={**run.factors, "batch_size": level}, final=(run.final or 0) * np.exp(effect * number))
        for run in runs
        for number, level in enumerate((8, 16))
    ]


def test_the_levels_of_a_grid_are_compared_within_points_and_drawn_settings_are_not_compared() -> None:
    effects = paired_effects(with_grid(drawn(), effect=0.5))
    assert [(effect.factor, effect.pairs, effect.seeds) for effect in effects] == [("batch_size", 32, 2)]
    assert effects[0].ratio and effects[0].ratio.mean == pytest.approx(np.exp(0.5))
    assert paired_effects(drawn()) == []


def test_what_a_grid_adds_to_all_points_does_not_change_the_curves() -> None:
    plain, crossed = (
        next(effect for effect in sampled_effects(runs, {"g": SPACE}) if effect.outcome == "frechet")
        for runs in (with_grid(drawn()), with_grid(drawn(), effect=3.0))
    )
    assert plain.curve and crossed.curve
    np.testing.assert_allclose(plain.curve.middle, crossed.curve.middle, atol=1e-6)


def members(group: str, runs: list[Result], **settings: Any) -> list[Member]:
    return [
        Member(
            replace(run, group=group, configuration=f"{group} {run.configuration}"),
            {**run.factors, "model.family": "dcgan", **settings},
        )
        for run in runs
    ]


def test_groups_with_the_same_points_are_compared_point_by_point() -> None:
    both = [*members("a", drawn(), steps=1), *members("b", drawn(), steps=2)]
    effects = paired_effects(results_of(both))
    assert [(effect.factor, effect.pairs) for effect in effects] == [("steps", 32)]


def test_groups_with_other_points_are_compared_as_wholes_and_not_by_each_value() -> None:
    other = Drawn("step", 16, 2).results(np.random.default_rng(99))
    both = [*members("a", drawn(), steps=1), *members("b", other, steps=2)]
    effects = paired_effects(results_of(both))
    assert [(effect.factor, effect.before, effect.after) for effect in effects] == [("steps", 1, 2)]
