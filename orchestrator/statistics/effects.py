"""The effect of each level of each factor: runs are paired with those at the first level by seed and other factors."""

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

    pairs: number of pairs of runs that differ in this factor only. seeds: number of seeds among these pairs.
    stable: change of the share of stable runs. quality: change of the final quality over the `quality_pairs` in which
    both runs have one, or None if there is no such pair. Both changes count seeds, not pairs, as repetitions.
    better: share of pairs whose final quality improved; a run without quality is worse than any other, and a tie counts
    half. None if no run has a quality. along: factors that are confounded with this one because they were swept with it
    under `zip:`; the effect may as well be theirs. stable_holds, quality_holds: the change is significant at 5% after
    Holm's adjustment for all effects of the sweep, those on stable and on quality together.
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
    """The effect of every level against the first of its factor, if runs can be paired; in order of appearance.

    Of confounded factors (`zip:`) only the first gets effects; the others are named in `along`.
    """
    effects: list[Effect] = []
    for members in by_group(results).values():
        varied = varied_factors(members)
        for factor, levels in varied.items():
            (first, before), *others = levels.items()
            matched = blocks(members, [factor], varied)
            for level, after in others:
                pairs = [(seed, (a, b)) for seed, (a, b) in complete_blocks(matched, [(first,), (level,)])]
                if not pairs:
                    continue
                weights: dict[Levels, int] = {(first,): -1, (level,): 1}
                quality = contrasts_by_seed(matched, weights, "final")
                effects.append(
                    Effect(
                        members[0].group,
                        factor,
                        before,
                        after,
                        len(pairs),
                        len({seed for seed, _ in pairs}),
                        share_change(contrasts_by_seed(matched, weights, "stable")),
                        mean_change([fmean(differences) for differences in quality]) if quality else None,
                        sum(map(len, quality)),
                        _probability_of_superiority([pair for _, pair in pairs]),
                        confounded_with(members, factor),
                    )
                )
    return _with_significance(effects)


def _probability_of_superiority(pairs: Sequence[tuple[Result, Result]]) -> float | None:
    """Share of pairs in which the second run has the better final quality (Vargha and Delaney 2000); ties count half.

    None if no run of any pair has a quality.
    """
    values = [tuple(inf if run.final is None else run.final for run in pair) for pair in pairs]
    if all(value == inf for pair in values for value in pair):
        return None
    return fmean((after < before) + 0.5 * (after == before) for before, after in values)


def _with_significance(effects: Sequence[Effect]) -> list[Effect]:
    """The effects with `stable_holds` and `quality_holds` set."""
    stable = [effect.stable.p for effect in effects]
    quality = [effect.quality.p for effect in effects if effect.quality]
    significant = [adjusted < 0.05 for adjusted in holm([*stable, *quality])]
    quality_significant = iter(significant[len(effects) :])
    return [
        replace(effect, stable_holds=stable_holds, quality_holds=next(quality_significant) if effect.quality else False)
        for effect, stable_holds in zip(effects, significant, strict=False)
    ]
