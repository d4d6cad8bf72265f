"""Tests that are looked at after each seed until they are settled: the chance of any false claim stays at most 5%.

The error is divided among all tests of a sweep (Holm's method) and among all looks (`spending`), so it holds whatever
ends the sweep. How often it does is measured in `benchmarks/adaptive.py`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median

from orchestrator.statistics.intervals import Change
from orchestrator.statistics.spending import nominal_levels

SMALL_CLAIMS = 0.01
"""The chance that any effect is falsely said to be small."""
BEST_CLAIMS = 0.005
"""The chance that the best configuration is falsely left out."""
SHOWN_CLAIMS = 0.035
"""The chance that any effect is falsely said to be there: 5% less those of the other claims."""
WORTH_WHILE = 0.1
"""A test is not paid for any more once its chance to be settled by the last look is below this."""
FLOOR = 0.25
"""The least variance of a comparison, as a share of the median of all."""


class State(StrEnum):
    SHOWN = "shown"
    SMALL = "small"
    OPEN = "open"


@dataclass(frozen=True)
class Design:
    """first, most: seeds at the first and at the last look, of which there is one after each seed. tests: number of
    tests that share the error.
    """

    first: int
    most: int
    tests: int

    def level(self, error: float, tests: int, seeds: int) -> float:
        """The level at the look after so many seeds of one of `tests` tests that share `error`; 0 if it is no look."""
        if not self.first <= seeds <= self.most:
            return 0.0
        return nominal_levels(error / tests, self.first, self.most)[seeds - self.first]


@dataclass(frozen=True)
class Look:
    """What a look has seen: `seeds` with pairs, the mean change and its interval."""

    seeds: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SequentialTest:
    """A test, so far.

    margin: a change within +- this is small. limit: the largest possible change. looks: one for each number of seeds.
    chance: that it is settled by the last look, if all goes on as it went so far. is_wanted: False once that was below
    WORTH_WHILE; it is still looked at, but not paid for.
    """

    margin: float
    limit: float = float("inf")
    state: State = State.OPEN
    looks: tuple[Look, ...] = ()
    chance: float = 1.0
    is_wanted: bool = True

    @property
    def is_open(self) -> bool:
        return self.state is State.OPEN


def look(
    tests: Sequence[SequentialTest], changes: Sequence[Change | None], design: Design, seeds: int
) -> list[SequentialTest]:
    """The tests after the look at `seeds` seeds. `changes`: of each test; None where it has nothing new.

    A test is shown at Holm's level, that of all tests divided by the number of those that are not shown yet (for group
    sequential tests: Maurer and Bretz 2013). The level of small ones is divided by the number of all. What is settled
    stays so.
    """
    after = list(tests)
    while True:
        left = sum(test.state is not State.SHOWN for test in after)
        shown = [
            number
            for number, (test, change) in enumerate(zip(after, changes, strict=True))
            if test.is_open and change and change.p <= design.level(SHOWN_CLAIMS, left, change.pairs)
        ]
        if not shown:
            break
        for number in shown:
            change = changes[number]
            assert change
            after[number] = _looked_at(after[number], change, design.level(SHOWN_CLAIMS, left, change.pairs))
            after[number] = replace(after[number], state=State.SHOWN)
    left = max(1, sum(test.state is not State.SHOWN for test in after))
    return [
        _unshown(test, change, design, left, seeds) if change and test.is_open else test
        for test, change in zip(after, changes, strict=True)
    ]


def _unshown(test: SequentialTest, change: Change, design: Design, left: int, seeds: int) -> SequentialTest:
    """A test that is not shown at this look: small, or open with the chance that is left."""
    level = design.level(2 * SMALL_CLAIMS, design.tests, change.pairs)
    low, high = change.interval(level, change.least_error) if level else (-test.limit, test.limit)
    if level and -test.margin <= low and high <= test.margin:
        return replace(_looked_at(test, change, level, change.least_error), state=State.SMALL)
    chance = chance_to_settle(test, change, design, left, seeds)
    looked_at = _looked_at(test, change, design.level(SHOWN_CLAIMS, left, change.pairs))
    return replace(looked_at, chance=chance, is_wanted=test.is_wanted and chance >= WORTH_WHILE)


def _looked_at(test: SequentialTest, change: Change, level: float, least_error: float = 0.0) -> SequentialTest:
    """The test with this look. One at the same number of pairs takes the place of the last: its level may be larger."""
    if not level:
        return test
    low, high = change.interval(level, least_error)
    seen = Look(change.pairs, change.mean, max(low, -test.limit), min(high, test.limit))
    earlier = test.looks[:-1] if test.looks and test.looks[-1].seeds == change.pairs else test.looks
    return replace(test, looks=(*earlier, seen))


def with_common_floor(changes: Sequence[Change]) -> list[Change]:
    """The changes, each with a variance of a seed of at least FLOOR of what is common among them.

    A few seeds agree by chance, and values that are rounded agree often: with no variance at all a t test proves
    anything. The floor only makes p-values larger.
    """
    from scipy.special import stdtr

    varied = [change for change in changes if change.error and change.error > 1e-6 * abs(change.mean)]
    common = FLOOR * median(change.error**2 * change.pairs for change in varied if change.error) if varied else 0.0
    floored = []
    for change in changes:
        if change.error is None or (change in varied and change.error**2 * change.pairs >= common):
            floored.append(change)
            continue
        error = (common / change.pairs) ** 0.5 or abs(change.mean) or 1.0
        p = 2 * float(stdtr(change.freedom, -abs(change.mean) / error)) if common else 1.0
        floored.append(change._replace(error=error, p=max(p, change.p)))
    return floored


def chance_to_settle(test: SequentialTest, change: Change, design: Design, left: int, seeds: int) -> float:
    """The chance that the test is shown, or shown to be small, by the last look.

    The mean at the last look is predicted from that of this one and its error (with a flat prior), at the pace at which
    the seeds so far had pairs. 1 while nothing can be predicted.
    """
    from scipy.special import ndtri, stdtr

    pace = (change.pairs + 1) / (seeds + 2)
    last = round(change.pairs + (design.most - seeds) * pace)
    if last < design.first or seeds >= design.most:
        return 0.0
    if change.error is None:
        return 1.0
    error = max(change.error, 1e-9)
    at_the_end = error * (change.pairs / last) ** 0.5
    spread = error * max(1 - change.pairs / last, 1e-9) ** 0.5
    bound = float(ndtri(1 - design.level(SHOWN_CLAIMS, left, last) / 2)) * at_the_end
    smallest = max(at_the_end, change.least_error * change.pairs / last)
    within = test.margin - float(ndtri(1 - design.level(2 * SMALL_CLAIMS, design.tests, last) / 2)) * smallest
    chance = sum(stdtr(change.freedom, (side * change.mean - bound) / spread) for side in (1, -1))
    if within > 0:
        chance += stdtr(change.freedom, (within - change.mean) / spread)
        chance -= stdtr(change.freedom, (-within - change.mean) / spread)
    return float(min(chance, 1.0))


def seeds_to_settle(
    test: SequentialTest, change: Change, design: Design, left: int, seeds: int, limit: int = 500
) -> int | None:
    """The number of seeds at which an effect of this size is expected to be shown, or a small one shown to be so.

    Pairs come at the pace of `chance_to_settle`, and levels are those of the looks. Beyond the last look, levels are as
    if the looks were spread over more seeds. A test that is not paid for any more takes more seeds than the last look
    has. None if it takes more than `limit`, or if nothing can be predicted.
    """
    from scipy.special import ndtri

    if not change.error:
        return None
    pace, mean = (change.pairs + 1) / (seeds + 2), abs(change.mean)
    deviation = change.error * change.pairs**0.5

    def is_settled(at: int) -> bool:
        pairs = round(change.pairs + (at - seeds) * pace)
        if pairs < design.first:
            return False
        look_of = max(design.first, round(pairs * design.most / max(at, design.most)))
        shown = float(ndtri(1 - design.level(SHOWN_CLAIMS, left, look_of) / 2)) * deviation / pairs**0.5
        small = float(ndtri(1 - design.level(2 * SMALL_CLAIMS, design.tests, look_of) / 2)) * deviation / pairs**0.5
        return mean >= shown or mean <= test.margin - small

    first = seeds + 1 if test.is_wanted else max(seeds, design.most) + 1
    number = first + bisect_left(range(first, limit + 1), True, key=is_settled)
    return number if number <= limit else None
