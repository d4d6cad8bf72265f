"""The effect of each level of each factor: runs are paired with those at the first level by seed and other factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, inf
from statistics import fmean
from typing import Any, NamedTuple

from orchestrator.statistics.clusters import win_probability
from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.multiplicity import holm
from orchestrator.statistics.pairing import (
    Block,
    Levels,
    blocks,
    complete_blocks,
    confounded_with,
    contrasts_by_seed,
    varied_factors,
)
from orchestrator.statistics.pairs import win
from orchestrator.statistics.power import seeds_to_show
from orchestrator.statistics.result import Result, by_group, log_distance, stability

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Effect:
    """A level against the first level of its factor, `before`.

    pairs: number of pairs of runs that differ in this factor only, and of which none is unfinished. seeds: number of
    seeds among these pairs. stable: change of the share of stable runs. wins: probability that the second run of a pair
    has the better images (Vargha and Delaney 2000): a run that did not draw is worse than any that did, and a tie
    counts half; None if no run has a quality. ratio: the Frechet distance divided by that of the first level, over the
    `ratio_pairs` of runs that both drew, as a geometric mean; None if there is no such pair. All three count seeds, not
    pairs, as repetitions.
    along: factors that are confounded with this one because they were swept with it under `zip:`; the effect may as
    well be theirs. stable_holds: the change is significant at 5% after Holm's adjustment for all stable, wins and
    ratios of the sweep together. images_hold: so is the distance of wins from a half, or else that of ratio from 1
    while wins point in the same direction. (Alone, ratio would hold against a setting that saves runs from ruin: those
    it saves draw worse than those that needed no help.) seeds_to_show: seeds that it would take for the change of the
    share of stable runs to hold; see `power.seeds_to_show`.
    """

    group: str
    factor: str
    before: Any
    after: Any
    pairs: int
    seeds: int
    stable: Change
    wins: Change | None
    ratio: Change | None
    ratio_pairs: int
    along: tuple[str, ...] = ()
    stable_holds: bool = False
    images_hold: bool = False
    seeds_to_show: int | None = None


def paired_effects(results: Sequence[Result], significant: float = SIGNIFICANT) -> list[Effect]:
    """The effect of every level against the first of its factor, if runs can be paired; in order of appearance.

    significant: the chance that any effect at all holds by luck.
    Of confounded factors (`zip:`) only the first gets effects; the others are named in `along`.
    """
    effects: list[Effect] = []
    for members, factor, first, level, before, after, matched in _comparisons(results):
        stable = contrasts_by_seed(matched, {(first,): -1, (level,): 1}, stability)
        if not stable:
            continue
        distances = contrasts_by_seed(matched, {(first,): -1, (level,): 1}, log_distance)
        effects.append(
            Effect(
                members[0].group,
                factor,
                before,
                after,
                sum(map(len, stable)),
                len(stable),
                share_change(stable),
                _win_probability(matched, (first,), (level,)),
                as_ratio(mean_change([fmean(of_seed) for of_seed in distances])) if distances else None,
                sum(map(len, distances)),
                confounded_with(members, factor),
            )
        )
    return _with_significance(effects, significant)


class Comparison(NamedTuple):
    """What an effect compares: two levels of a factor, as people write them."""

    group: str
    factor: str
    before: str
    after: str


def compared_pairs(results: Sequence[Result]) -> dict[Comparison, list[tuple[str, str]]]:
    """Each comparison that `paired_effects` makes of the results of one seed, with the configurations of its pairs."""
    compared: dict[Comparison, list[tuple[str, str]]] = {}
    for members, factor, first, level, _, _, matched in _comparisons(results):
        pairs = [(a.configuration, b.configuration) for _, (a, b) in complete_blocks(matched, [(first,), (level,)])]
        if pairs:
            compared[Comparison(members[0].group, factor, first, level)] = pairs
    return compared


def _comparisons(
    results: Sequence[Result],
) -> Iterator[tuple[list[Result], str, str, str, Any, Any, list[tuple[int, Block]]]]:
    """(runs of a group, factor, its first level, another level, the values of both, runs that are equal otherwise)."""
    for members in by_group(results).values():
        varied = varied_factors(members)
        for factor, levels in varied.items():
            (first, before), *others = levels.items()
            matched = blocks(members, [factor], varied)
            for level, after in others:
                yield members, factor, first, level, before, after, matched


def as_ratio(change: Change) -> Change:
    """A change of a logarithm as the ratio."""
    return change._replace(mean=exp(change.mean), low=exp(change.low), high=_exp_or_infinity(change.high))


def _exp_or_infinity(value: float) -> float:
    return exp(value) if value < 700 else inf


def _win_probability(matched: Sequence[tuple[int, Block]], before: Levels, after: Levels) -> Change | None:
    by_seed: dict[int, list[float]] = {}
    has_quality = False
    for seed, (first, second) in complete_blocks(matched, [before, after]):
        won = win(first, second)
        if won is not None:
            has_quality |= first.drew or second.drew
            by_seed.setdefault(seed, []).append(won)
    return win_probability(list(by_seed.values())) if has_quality else None


def _with_significance(effects: Sequence[Effect], significant: float) -> list[Effect]:
    """The effects with what holds among all of them, and with the seeds that it would take."""
    tests = [change for effect in effects for change in (effect.stable, effect.wins, effect.ratio) if change]
    holds = iter(adjusted < significant for adjusted in holm([change.p for change in tests]))
    judged = []
    for effect in effects:
        stable_holds = next(holds)
        wins_hold = next(holds) if effect.wins else False
        ratio_holds = next(holds) if effect.ratio else False
        needed = seeds_to_show(effect.stable, significant / len(tests))
        images_hold = wins_hold or (ratio_holds and _agree(effect.wins, effect.ratio))
        judged.append(replace(effect, stable_holds=stable_holds, images_hold=images_hold, seeds_to_show=needed))
    return judged


def _agree(wins: Change | None, ratio: Change | None) -> bool:
    """Whether both say that the images are better, or both that they are worse."""
    return wins is not None and ratio is not None and (wins.mean - 0.5) * (1 - ratio.mean) > 0
