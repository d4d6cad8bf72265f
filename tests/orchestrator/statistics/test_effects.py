"""What pairs show, on results made by hand."""

from __future__ import annotations

from itertools import product
from math import exp, log

import pytest
from scipy.stats import t
from support.made_results import result

from orchestrator.statistics.effects import paired_effects


def test_a_level_is_compared_with_the_first_that_appears_paired_by_seed_and_all_other_factors() -> None:
    """lr=1e-4 divides the distance by 100 and a seed by 10, so that any other pairing would show."""
    runs = [
        result(
            final=exp(5.0 - log(100) * (lr == 1e-4) + 2 * seed - 2 * noise + seed * noise),
            seed=seed,
            lr=lr,
            noise=noise,
        )
        for seed, lr, noise in product((0, 1), (1e-3, 1e-4), (0, 1))
    ]
    lr, noise = paired_effects(runs)
    assert (lr.factor, lr.before, lr.after, lr.pairs, lr.seeds, lr.ratio_pairs) == ("lr", 1e-3, 1e-4, 4, 2, 4)
    assert lr.ratio is not None and lr.ratio[:3] == pytest.approx((0.01, 0.01, 0.01))
    assert (noise.before, noise.after) == (0, 1)
    assert noise.wins is not None and noise.wins.mean == 1.0
    assert noise.ratio is not None
    assert noise.ratio.mean == pytest.approx(exp(-1.5))
    half_width = t.ppf(0.975, 1) * 0.5  # two seeds: -2 and -1, not four pairs
    assert noise.ratio.high == pytest.approx(exp(-1.5 + half_width))


def test_every_later_level_has_an_effect_and_every_group_its_own() -> None:
    runs = [result(seed=seed, group=group, lr=lr) for seed in (0, 1) for group in "hg" for lr in (3, 1, 2)]
    assert [(effect.group, effect.before, effect.after) for effect in paired_effects(runs)] == [
        ("h", 3, 1),
        ("h", 3, 2),
        ("g", 3, 1),
        ("g", 3, 2),
    ]


def test_levels_are_numbers_switches_words_and_lists_and_may_be_left_out() -> None:
    first = {"betas": [0.5, 0.999], "on": False, "loss": "bce", "r1": 0}
    others = [{"betas": [0.0, 0.9]}, {"on": True}, {"loss": "hinge"}]
    runs = [result(**(first | other)) for other in ({}, *others)]
    runs.append(result(**{name: level for name, level in first.items() if name != "r1"}))
    compared = [(effect.factor, effect.before, effect.after) for effect in paired_effects(runs)]
    assert compared == [
        ("betas", [0.5, 0.999], [0.0, 0.9]),
        ("on", False, True),
        ("loss", "bce", "hinge"),
        ("r1", 0, None),
    ]


def test_runs_without_a_partner_do_not_count() -> None:
    """(lr=2, noise=1) was excluded, and seed 1 has not got to noise=0."""
    runs = [
        result(seed=seed, lr=lr, noise=noise)
        for seed, lr, noise in product((0, 1), (1, 2), (0, 1))
        if (lr, noise) != (2, 1) and (seed, noise) != (1, 0)
    ]
    assert [(effect.factor, effect.pairs, effect.seeds) for effect in paired_effects(runs)] == [
        ("lr", 1, 1),
        ("noise", 1, 1),
    ]


def test_of_factors_that_move_together_the_first_stands_for_all() -> None:
    zipped = [(1, "x"), (2, "y"), (3, "z")]
    runs = [result(lr_g=g, noise=noise, lr_d=d) for (g, d), noise in product(zipped, (0, 1))]
    assert [(effect.factor, effect.after, effect.pairs, effect.along) for effect in paired_effects(runs)] == [
        ("lr_g", 2, 2, ("lr_d",)),
        ("lr_g", 3, 2, ("lr_d",)),
        ("noise", 1, 3, ()),
    ]
    assert paired_effects([]) == []


def test_a_run_that_did_not_draw_is_worse_than_any_that_did_and_a_tie_counts_half() -> None:
    before = [1.0, 1.0, 1.0, None, None]
    after = [0.5, 1.0, None, 9.0, None]
    runs = [
        result(stable=final is not None, final=final, seed=seed, noise=noise)
        for noise, finals in enumerate((before, after))
        for seed, final in enumerate(finals)
    ]
    (effect,) = paired_effects(runs)
    assert (effect.pairs, effect.seeds, effect.ratio_pairs) == (5, 5, 2)
    assert effect.wins is not None and effect.wins.mean == (1 + 0.5 + 0 + 1 + 0.5) / 5
    assert effect.ratio is not None and effect.ratio.mean == pytest.approx(0.5**0.5)
    assert effect.stable.mean == 0.0


def test_a_run_that_collapsed_loses_however_small_its_distance_is() -> None:
    runs = [result(final=4.0, seed=seed, noise=1) for seed in range(3)]
    runs += [result(stable=False, final=0.5, seed=seed, noise=0) for seed in range(3)]
    (effect,) = paired_effects(runs)
    assert effect.wins is not None and effect.wins.mean == 0.0
    assert (effect.ratio, effect.ratio_pairs) == (None, 0)


def test_a_setting_that_saves_runs_from_ruin_makes_no_images_worse_though_those_that_both_drew_are() -> None:
    """Without noise half of the runs do not draw; the others draw a little better than with noise, by much the same."""
    runs = [result(stable=seed > 3, final=20.0 if seed > 3 else None, seed=seed, noise=0) for seed in range(8)]
    runs += [result(final=21.0 + seed / 100, seed=seed, noise=1) for seed in range(8)]
    (saves,) = paired_effects(runs)
    assert saves.ratio is not None and saves.ratio.low > 1 and saves.ratio.p < 1e-4
    assert saves.wins is not None and saves.wins.mean == 0.5
    assert not saves.images_hold


def test_pairs_with_an_unfinished_run_count_nowhere() -> None:
    runs = [result(final=4.0, seed=seed, noise=noise) for seed in range(3) for noise in (0, 1)]
    runs[1] = result(stable=None, final=90.0, seed=0, noise=1)
    (effect,) = paired_effects(runs)
    assert (effect.pairs, effect.seeds, effect.ratio_pairs) == (2, 2, 2)
    assert effect.wins is not None and (effect.wins.mean, effect.wins.pairs) == (0.5, 2)
    assert paired_effects(runs[:2]) == []


def test_a_sweep_without_quality_has_effects_on_stability_alone() -> None:
    runs = [result(stable=bool(noise), seed=seed, noise=noise) for seed in range(6) for noise in (0, 1)]
    (effect,) = paired_effects(runs)
    assert (effect.wins, effect.ratio, effect.ratio_pairs) == (None, None, 0)
    assert effect.stable.mean == 1.0
    assert (effect.stable_holds, effect.images_hold) == (True, False)


def test_one_seed_holds_nothing() -> None:
    (effect,) = paired_effects([result(final=4.0 + noise, noise=noise) for noise in (0, 1)])
    assert effect.stable[:3] == (0.0, -1.0, 1.0)
    assert effect.wins is not None and effect.wins[:3] == (0.0, 0.0, 1.0)
    assert effect.ratio is not None and effect.ratio[1:3] == (0.0, float("inf"))
    assert (effect.stable_holds, effect.images_hold, effect.seeds_to_show) == (False, False, None)


def test_what_would_hold_alone_may_not_hold_among_many() -> None:
    def significant(factors: int) -> list[bool]:
        """Six seeds on which the first of `factors` switches helps a little, one switch at a time."""
        gains = [1.0, 2.0, 0.4, 2.3, 1.6, 1.4]
        runs = []
        for seed, gain in enumerate(gains):
            off = {f"switch{index}": False for index in range(factors)}
            noise = (-1) ** seed * 1.0
            runs.append(result(final=10.0, seed=seed, **off))
            runs += [
                result(final=10 + (noise if index else -gain), seed=seed, **{**off, f"switch{index}": True})
                for index in range(factors)
            ]
        return [effect.images_hold for effect in paired_effects(runs)]

    assert significant(1) == [True]
    assert not any(significant(8))
