"""What each level of each factor changed, paired with the first level by seed and by all other factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import fmean
from typing import Any

from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.multiplicity import holm
from orchestrator.statistics.pairing import (
    Levels,
    blocks,
    complete_blocks,
    confounded_with,
    contrasts_by_seed,
    varied_factors,
)
from orchestrator.statistics.result import Result, by_group


@dataclass(frozen=True)
class Effect:
    """A level against the first level of its factor, `before`.

    pairs: runs at both levels that are alike in all else; seeds: how many share them out. stable: change of the share
    of stable runs. quality: change of the final quality, over the `quality_pairs` in which both runs have one; None if
    there are none. better: the share of pairs whose final quality improved, where a run without one is worse than any
    other and a tie counts half; None where no run has one. along: factors that moved together with this one (`zip:`),
    whose effect this is as much. Both changes count seeds, not pairs. ..._holds: it is more than chance even though the
    whole sweep was searched for effects (Holm's adjustment over all of them, stable and quality together, at 5%).
    """

    group: str
    factor: str
    before: Any
    after: Any
    pairs: int
    seeds: int
    stable: Change
    quality: Change | None
    quality_pairs: int
    better: float | None
    along: tuple[str, ...] = ()
    stable_holds: bool = False
    quality_holds: bool = False


def paired_effects(results: Sequence[Result]) -> list[Effect]:
    """Every level against the first of its factor, where runs can be paired; in order of appearance.

    Of factors that move together the first stands for all.
    """
    found = []
    for members in by_group(results).values():
        varied = varied_factors(members)
        for factor, levels in varied.items():
            (first, before), *others = levels.items()
            alike = blocks(members, [factor], varied)
            for level, after in others:
                pairs = [(seed, (a, b)) for seed, (a, b) in complete_blocks(alike, [(first,), (level,)])]
                if not pairs:
                    continue
                weights: dict[Levels, int] = {(first,): -1, (level,): 1}
                quality = contrasts_by_seed(alike, weights, "final")
                found.append(
                    Effect(
                        members[0].group,
                        factor,
                        before,
                        after,
                        len(pairs),
                        len({seed for seed, _ in pairs}),
                        share_change(contrasts_by_seed(alike, weights, "stable")),
                        mean_change([fmean(one_seed) for one_seed in quality]) if quality else None,
                        sum(map(len, quality)),
                        _better([pair for _, pair in pairs]),
                        confounded_with(members, factor),
                    )
                )
    return _judged(found)


def _better(pairs: Sequence[tuple[Result, Result]]) -> float | None:
    """The probability of superiority over pairs (Vargha and Delaney 2000)."""
    values = [tuple(inf if run.final is None else run.final for run in pair) for pair in pairs]
    if all(value == inf for pair in values for value in pair):
        return None
    return fmean((after < before) + 0.5 * (after == before) for before, after in values)


def _judged(found: Sequence[Effect]) -> list[Effect]:
    stable = [effect.stable.p for effect in found]
    quality = [effect.quality.p for effect in found if effect.quality]
    holds = [adjusted < 0.05 for adjusted in holm([*stable, *quality])]
    later = iter(holds[len(found) :])
    return [
        replace(effect, stable_holds=stable_holds, quality_holds=next(later) if effect.quality else False)
        for effect, stable_holds in zip(found, holds, strict=False)
    ]
