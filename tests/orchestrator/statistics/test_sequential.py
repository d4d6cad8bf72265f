"""Tests that are looked at after each seed: what is settled when, and that looking often makes no false claims."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy.special import ndtri

from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.sequential import (
    SHOWN_CLAIMS,
    SMALL_CLAIMS,
    Design,
    SequentialTest,
    State,
    chance_to_settle,
    look,
    seeds_to_settle,
    with_common_floor,
)
from orchestrator.statistics.spending import nominal_levels

ONE = Design(first=3, most=20, tests=1)
STRONG, WEAK = [1.0, 1.1, 0.9, 1.05, 0.95], [1.0, -0.9, 0.4, -0.6, 0.1]


def looked(differences: list[list[float]], design: Design, margin: float = 0.1) -> list[SequentialTest]:
    """The tests after a look at each number of seeds. `differences`: of each test, one of each seed."""
    tests = [SequentialTest(margin) for _ in differences]
    for seeds in range(design.first, len(differences[0]) + 1):
        tests = look(tests, [mean_change(values[:seeds]) for values in differences], design, seeds)
    return tests


@pytest.mark.parametrize(("level", "first", "most"), [(0.05, 3, 20), (0.2, 2, 6), (0.05, 5, 5)])
def test_all_looks_together_spend_the_level(level: float, first: int, most: int) -> None:
    rng = np.random.default_rng(0)
    sums = np.cumsum(rng.standard_normal((100_000, most)), axis=1)
    bounds = -ndtri(np.array(nominal_levels(level, first, most)) / 2) * np.arange(first, most + 1) ** 0.5
    crossed = np.mean(np.any(np.abs(sums[:, first - 1 :]) > bounds, axis=1))
    assert crossed == pytest.approx(level, abs=4 * (level / 100_000) ** 0.5 + 0.01 * level)


def test_a_later_look_has_a_larger_level_and_none_that_of_all_together() -> None:
    levels = nominal_levels(0.05, 3, 20)
    assert list(levels) == sorted(levels)
    assert levels[-1] < 0.05 < sum(levels)


def test_of_one_look_the_level_is_that_of_the_test() -> None:
    assert nominal_levels(0.05, 7, 7) == (0.05,)


def test_a_strong_effect_is_shown_before_the_last_seed_and_stays_so() -> None:
    strong = looked([STRONG], ONE)[0]
    assert strong.state is State.SHOWN
    assert strong.looks[-1].low > 0
    after_a_surprise = look([strong], [mean_change([*STRONG, -50.0])], ONE, 6)[0]
    assert after_a_surprise == strong


def test_a_weak_effect_stays_open_and_its_interval_has_no_end_that_a_single_look_would_have() -> None:
    weak = looked([WEAK], ONE)[0]
    assert weak.state is State.OPEN
    alone = mean_change(WEAK)
    assert weak.looks[-1].low < alone.low and weak.looks[-1].high > alone.high
    assert [seen.seeds for seen in weak.looks] == [3, 4, 5]


def test_a_precise_zero_is_small_only_if_its_interval_lies_within_the_margin() -> None:
    nothing = [0.001, -0.002, 0.0, 0.001, -0.001]
    assert looked([nothing], ONE, margin=0.1)[0].state is State.SMALL
    assert looked([nothing], ONE, margin=0.001)[0].state is State.OPEN


def test_what_is_shown_leaves_its_level_to_the_others() -> None:
    design = Design(3, 3, tests=2)
    between = Change(1.0, 0, 2, 3, p=0.75 * SHOWN_CLAIMS, error=0.2, freedom=2)
    certain, hopeless = between._replace(p=1e-6), between._replace(p=0.5)
    states = []
    for other in (certain, hopeless):
        after = look([SequentialTest(0.1)] * 2, [between, other], design, 3)
        states.append([test.state for test in after])
    assert states == [[State.SHOWN, State.SHOWN], [State.OPEN, State.OPEN]]


def test_what_is_shown_later_with_the_same_pairs_has_the_interval_of_that_look() -> None:
    """A seed that brought no new pair, while another comparison was shown and left its level."""
    design = Design(first=3, most=10, tests=2)
    values = next(
        values
        for scale in np.linspace(0.3, 2, 200)
        if (values := [scale, scale + 0.5, scale - 0.5, scale + 0.3])
        and design.level(SHOWN_CLAIMS, 2, 4) < mean_change(values).p <= design.level(SHOWN_CLAIMS, 1, 4)
    )
    waiting = look([SequentialTest(0.1)] * 2, [mean_change(values), mean_change(WEAK[:4])], design, 4)
    assert [test.state for test in waiting] == [State.OPEN, State.OPEN]
    settled = look(waiting, [mean_change(values), mean_change([5.0, 5.1, 4.9, 5.0, 5.05])], design, 5)
    assert [test.state for test in settled] == [State.SHOWN, State.SHOWN]
    assert [seen.seeds for seen in settled[0].looks] == [4]
    assert settled[0].looks[-1].low > 0


@pytest.mark.parametrize("pairs", [1, 8])
def test_a_share_is_small_only_if_whole_seeds_that_were_not_drawn_could_not_hide_a_change(pairs: int) -> None:
    """A level that fails on whole seeds, in one of five: none of them in ten seeds is no rare luck (11%)."""
    unchanged = share_change([[0.0] * pairs] * 10)
    (test,) = look([SequentialTest(0.2, limit=1.0)], [unchanged], replace(ONE, most=10), 10)
    assert test.state is State.OPEN
    (test,) = look([SequentialTest(0.5, limit=1.0)], [unchanged], replace(ONE, most=10), 10)
    assert test.state is State.SMALL
    assert test.looks[-1].high == pytest.approx(0.42, abs=0.05)


def test_the_level_of_small_ones_does_not_grow_with_what_is_shown() -> None:
    half_width = -float(ndtri(SMALL_CLAIMS / 2)) * 0.01
    nothing = Change(0.0, 0, 0, 3, p=1.0, error=0.01, freedom=10**9)
    certain = nothing._replace(p=1e-9)
    for margin, expected in ((1.001 * half_width, State.SMALL), (0.999 * half_width, State.OPEN)):
        after = look([SequentialTest(margin), SequentialTest(margin)], [nothing, certain], Design(3, 3, tests=2), 3)
        assert after[0].state is expected


def test_fewer_seeds_than_the_first_look_settle_nothing() -> None:
    test = look([SequentialTest(0.1)], [mean_change([1.0, 1.0001])], ONE, 4)[0]
    assert test.state is State.OPEN and test.looks == ()


def test_the_chance_falls_where_nothing_shows_and_rises_where_something_does() -> None:
    strong, weak = (mean_change(values) for values in (STRONG, WEAK))
    assert chance_to_settle(SequentialTest(0.1), strong, ONE, 1, 5) > 0.95
    assert chance_to_settle(SequentialTest(0.1), weak, ONE, 1, 5) < 0.3
    late = mean_change([*WEAK, *WEAK, *WEAK])
    assert chance_to_settle(SequentialTest(0.1), late, ONE, 1, 15) < 0.02
    assert chance_to_settle(SequentialTest(3.0), late, ONE, 1, 15) > 0.98, "it will be shown to be small"
    assert chance_to_settle(SequentialTest(0.1), strong, ONE, 1, 20) == 0, "no look is left"


def test_pairs_that_hardly_come_up_are_not_waited_for() -> None:
    assert chance_to_settle(SequentialTest(0.1), Change(0.0, -inf, inf, 1), ONE, 1, 18) == 0


def test_what_has_hardly_a_chance_is_not_paid_for_any_more() -> None:
    weak = [WEAK[number % 5] for number in range(16)]
    assert looked([weak[:4]], ONE)[0].is_wanted
    assert not looked([weak], ONE)[0].is_wanted


def test_seeds_that_agree_by_chance_prove_nothing() -> None:
    """Three equal differences have no variance, and a t test of them a p-value of 0."""
    equal, usual = mean_change([0.1, 0.1, 0.1]), mean_change([0.3, -0.5, 0.1])
    assert equal.p < 1e-6
    floored, same = with_common_floor([equal, usual])
    assert same == usual
    assert floored.p > 0.1 and floored.error
    assert with_common_floor([equal])[0].p > 0.99, "nothing says how much seeds differ"


def test_the_floor_leaves_alone_what_is_as_uncertain_as_the_rest() -> None:
    changes = [mean_change([0.3, -0.5, 0.1]), mean_change([0.2, -0.2, 0.1]), Change(0.0, -inf, inf, 0)]
    assert with_common_floor(changes) == changes


def after_five(mean: float, error: float = 1 / 5**0.5, pairs: int = 5) -> Change:
    return Change(mean, 0, 0, pairs, 0.5, error=error, freedom=pairs - 1)


def test_the_seeds_that_it_takes_grow_as_the_effect_shrinks() -> None:
    numbers = [seeds_to_settle(SequentialTest(0.01), after_five(mean), ONE, 1, 5) for mean in (2.0, 1.0, 0.5)]
    assert all(number is not None for number in numbers)
    assert numbers == sorted(numbers, key=lambda number: number or 0) and len(set(numbers)) == 3
    assert seeds_to_settle(SequentialTest(0.01), after_five(0.02, error=1.0), ONE, 1, 5) is None


def test_rare_pairs_take_more_seeds() -> None:
    """Six pairs in 26 seeds: another five or six take twenty seeds, not six."""
    often, rarely = (
        seeds_to_settle(SequentialTest(0.01), after_five(1.2, pairs=6), Design(3, 60, 1), 1, seeds) for seeds in (6, 26)
    )
    assert often and rarely
    assert often - 6 < 10 and rarely - 26 > 15


def test_the_seeds_that_it_takes_agree_with_the_chance_to_settle_it() -> None:
    """A mean at the bound of the last look has an even chance."""
    test = SequentialTest(0.01)
    for mean in (0.2, 0.5, 0.7, 0.75, 0.8, 1.0, 1.5):
        for pairs, seeds in ((5, 5), (5, 9), (4, 15)):
            change = after_five(mean, pairs=pairs)
            number = seeds_to_settle(test, change, ONE, 2, seeds) or 1000
            assert (number > ONE.most) == (chance_to_settle(test, change, ONE, 2, seeds) < 0.5), (mean, pairs)


def test_what_is_not_paid_for_any_more_takes_more_seeds_than_there_are() -> None:
    given_up = SequentialTest(0.01, is_wanted=False)
    number = seeds_to_settle(given_up, after_five(2.0), ONE, 1, 5)
    assert number == ONE.most + 1
    assert (seeds_to_settle(SequentialTest(0.01), after_five(2.0), ONE, 1, 5) or 99) < ONE.most


def test_looking_after_each_seed_makes_no_false_claims() -> None:
    """1,000 sweeps of three t tests of nothing: at most 5% claim something at any look."""
    rng, design = np.random.default_rng(1), Design(3, 12, tests=3)
    claims = 0
    for differences in rng.standard_normal((1000, 3, 12)):
        tests = looked(differences.tolist(), design)
        claims += any(test.state is State.SHOWN for test in tests)
    assert 0.005 < claims / 1000 <= 0.05
