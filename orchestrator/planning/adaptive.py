"""A sweep until its question is answered: what is settled, and which trials the next look needs.

All of it is computed anew from the trials that have ended, look by look, so a sweep that was killed decides the same.
Seeds count in their order: what ended early, or was trained beside the rest, waits for the look of its seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from orchestrator.statistics.effects import Comparison, compared_pairs
from orchestrator.statistics.elimination import Contest, contest
from orchestrator.statistics.group_comparison import Member, results_of
from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.pairs import log_ratio, stable_difference, win
from orchestrator.statistics.sequential import Design, SequentialTest, State, look, seeds_to_settle, with_common_floor
from orchestrator.sweepfile.model import UntilAnswered

TrialId = tuple[str, int]
"""Configuration and seed."""
Ended = Mapping[TrialId, Member]
"""The trials that have ended."""
End = Literal["answered", "out of reach", "most seeds"]
"""Nothing is open; or nothing that is open has a fair chance to be settled; or no seed is left."""
OUTCOMES = ("stable", "quality")


@dataclass(frozen=True)
class TestedComparison:
    """A comparison of two levels of a factor, and its tests: of the share of stable runs and of quality.

    pairs: the configurations whose runs are compared, seed by seed: at the first level, and at the other one.
    seeds_needed: for each test, the seeds that it would take in all to settle it, if it is open; None: too many to say,
    or nothing is known.
    """

    comparison: Comparison
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[SequentialTest, SequentialTest]
    seeds_needed: tuple[int | None, int | None] = (None, None)

    @property
    def configurations(self) -> set[str]:
        return {name for pair in self.pairs for name in pair}

    @property
    def is_open(self) -> bool:
        return any(test.is_open for test in self.tests)

    @property
    def is_wanted(self) -> bool:
        return any(test.is_open and test.is_wanted for test in self.tests)


@dataclass(frozen=True)
class InterimAnalysis:
    """What the looks so far have settled.

    seeds: at the last look; 0 before the first. comparisons: what is asked of factors. contest: which configurations
    can be the best; None if that is not asked. wanted: the configurations that the next look takes. trials: those that
    the looks so far took; has_stable: whether one of them is stable. missing: those that the next look waits for. end:
    why the sweep ends; None while it goes on.
    """

    seeds: int
    comparisons: tuple[TestedComparison, ...]
    contest: Contest | None
    wanted: tuple[str, ...]
    trials: int = 0
    missing: tuple[TrialId, ...] = ()
    end: End | None = None
    has_stable: bool = False

    @property
    def tests(self) -> list[tuple[TestedComparison, str, SequentialTest]]:
        """(comparison, name of the outcome, test) of all."""
        return [
            (compared, name, test)
            for compared in self.comparisons
            for name, test in zip(OUTCOMES, compared.tests, strict=True)
        ]

    def count(self, state: State) -> int:
        return sum(test.state is state for _, _, test in self.tests)


def comparisons_to_test(configurations: Sequence[Member], until: UntilAnswered) -> tuple[TestedComparison, ...]:
    """The comparisons of a sweep, before any look. `configurations`: one trial of each, as if it had ended well."""
    tests = (SequentialTest(until.same_stable, limit=1.0), SequentialTest(until.same_quality))
    compared = compared_pairs(results_of(configurations))
    return tuple(
        TestedComparison(comparison, tuple(pairs), tests)
        for comparison, pairs in compared.items()
        if not until.factors or comparison.factor in until.factors
    )


def interim_analysis(configurations: Sequence[Member], ended: Ended, until: UntilAnswered) -> InterimAnalysis:
    """What is settled by now. `configurations`: one trial of each, as if it had ended well."""
    names = tuple(member.result.configuration for member in configurations)
    comparisons = comparisons_to_test(configurations, until)
    design = Design(until.first, until.most, 2 * len(comparisons))
    of_best = replace(design, tests=2 * (len(names) - 1))
    now = InterimAnalysis(0, comparisons, Contest(names, True) if until.best and len(names) > 1 else None, names)
    used: dict[TrialId, Member] = {}
    for seed in range(until.most):
        trials = [(name, seed) for name in now.wanted]
        missing = [trial for trial in trials if trial not in ended]
        if seed + 1 < until.first:
            now = replace(now, missing=(*now.missing, *missing))
        elif missing or now.missing:
            return replace(now, missing=(*now.missing, *missing))
        used |= {trial: ended[trial] for trial in trials if trial in ended}
        if seed + 1 >= until.first:
            now = _after_look(now, used, seed + 1, design, of_best)
            if now.end:
                return now
    raise AssertionError("the last look is an end")


def trials_ahead(now: InterimAnalysis, until: UntilAnswered) -> Iterator[TrialId]:
    """The trials after `missing` that are needed next if the looks until then settle nothing, in order."""
    looked_at = max((seed for _, seed in now.missing), default=now.seeds - 1)
    for seed in range(looked_at + 1, until.most):
        yield from ((name, seed) for name in now.wanted)


def _after_look(now: InterimAnalysis, used: Ended, seeds: int, design: Design, of_best: Design) -> InterimAnalysis:
    """The analysis after the look at the trials `used`, of so many seeds."""
    wanted = set(now.wanted)
    whole = [wanted.issuperset(compared.configurations) and compared.is_open for compared in now.comparisons]
    both = [
        _changes(compared.pairs, used, seeds)
        for compared, is_whole in zip(now.comparisons, whole, strict=True)
        if is_whole
    ]
    floored = iter(with_common_floor([quality for _, quality in both]))
    stable = iter([change for change, _ in both])
    changes: list[Change | None] = []
    for is_whole in whole:
        changes += [next(stable), next(floored)] if is_whole else [None, None]
    tests = look([test for compared in now.comparisons for test in compared.tests], changes, design, seeds)
    left = max(1, sum(test.state is not State.SHOWN for test in tests))
    after = []
    for number, compared in enumerate(now.comparisons):
        two = slice(2 * number, 2 * number + 2)
        takes = [
            (seeds_to_settle(test, change, design, left, seeds) if change else before) if test.is_open else None
            for test, change, before in zip(tests[two], changes[two], compared.seeds_needed, strict=True)
        ]
        after.append(replace(compared, tests=(tests[two][0], tests[two][1]), seeds_needed=(takes[0], takes[1])))
    contested = _contest(now, used, wanted, seeds, of_best)
    needed = {name for compared in after if compared.is_wanted for name in compared.configurations}
    needed |= set(contested.left) if contested and contested.is_open else set()
    names = tuple(name for name in now.wanted if name in needed)
    is_open = any(test.is_open for test in tests) or (contested is not None and len(contested.left) > 1)
    end: End | None = None
    if not is_open:
        end = "answered"
    elif seeds == design.most:
        end = "most seeds"
    elif not names:
        end = "out of reach"
    has_stable = any(member.result.stable for member in used.values())
    return InterimAnalysis(seeds, tuple(after), contested, names, len(used), (), end, has_stable)


NOTHING = Change(0.0, float("-inf"), float("inf"), 0)
"""Of pairs of which none can be compared."""


def _changes(pairs: Sequence[tuple[str, str]], used: Ended, seeds: int) -> tuple[Change, Change]:
    """How the share of stable runs changes, and the logarithm of the Frechet distance of pairs that both drew.

    The latter proves nothing unless the pairs as a whole, also those that did not draw, are won in the same direction:
    a setting that saves runs from ruin would seem to do harm, since those that it saves draw worse than the others.
    Distances that several evaluators have measured are not compared.
    """
    of_seeds = [[(used[a, seed], used[b, seed]) for a, b in pairs] for seed in range(seeds)]
    stable = _by_seed([[stable_difference(a.result, b.result) for a, b in of_seed] for of_seed in of_seeds])
    evaluators = {member.evaluator for of_seed in of_seeds for pair in of_seed for member in pair} - {""}
    ratios = _by_seed([[log_ratio(a.result, b.result) for a, b in of_seed] for of_seed in of_seeds])
    quality = mean_change(list(map(fmean, ratios))) if ratios and len(evaluators) < 2 else NOTHING
    if quality.pairs:
        wins = _by_seed([[win(a.result, b.result) for a, b in of_seed] for of_seed in of_seeds])
        agrees = (fmean(value for of_seed in wins for value in of_seed) - 0.5) * quality.mean < 0
        quality = quality if agrees else quality._replace(p=1.0)
    return share_change(stable) if stable else NOTHING, quality


def _by_seed(values: Sequence[Sequence[float | None]]) -> list[list[float]]:
    """The values that there are, of each seed that has one."""
    return [known for of_seed in values if (known := [value for value in of_seed if value is not None])]


def _contest(now: InterimAnalysis, used: Ended, wanted: set[str], seeds: int, design: Design) -> Contest | None:
    """Once it is not worth its price, it goes on only as long as its configurations are trained for other reasons.

    Distances that several evaluators have measured do not count.
    """
    before = now.contest
    if before is None or len(before.left) < 2 or not wanted.issuperset(before.left):
        return before
    members = {name: [used[name, seed] for seed in range(seeds)] for name in before.left}
    has_one_evaluator = len({member.evaluator for each in members.values() for member in each} - {""}) < 2
    after = contest(
        {
            name: [member.result if has_one_evaluator else replace(member.result, final=None) for member in each]
            for name, each in members.items()
        },
        design,
    )
    return after._replace(is_open=before.is_open and after.is_open)
