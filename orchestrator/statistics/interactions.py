"""Interactions: pairs of factors whose effect together differs from the sum of their effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from orchestrator.statistics.intervals import Change, share_change
from orchestrator.statistics.pairing import Levels, blocks, contrasts_by_seed, varied_factors
from orchestrator.statistics.result import Result, by_group, stability


@dataclass(frozen=True)
class Interaction:
    """How the effect of the first factor (its level `first[1]` against `first[0]`) changes with the second one.

    change: the effect on the share of stable runs at the second factor's level `second[1]` minus the effect at
    `second[0]`; exchanging the two factors gives the same number. sets: number of sets of four runs that differ in
    these two factors only, and share the seed. The change counts seeds, not sets, as repetitions.
    """

    group: str
    factors: tuple[str, str]
    first: tuple[Any, Any]
    second: tuple[Any, Any]
    sets: int
    change: Change


def pairwise_interactions(results: Sequence[Result]) -> list[Interaction]:
    """Interactions of every two factors of a group in the share of stable runs, the largest first.

    Levels are compared with the first of their factor; of confounded factors (`zip:`) only the first is looked at.
    There is no adjustment for multiple comparisons: the largest one was searched for, so it is a suggestion for the
    next sweep.
    """
    interactions: list[Interaction] = []
    for members in by_group(results).values():
        varied = varied_factors(members)
        for (a, a_levels), (b, b_levels) in combinations(varied.items(), 2):
            matched = blocks(members, [a, b], varied)
            (a0, a_before), *a_others = a_levels.items()
            (b0, b_before), *b_others = b_levels.items()
            for a1, a_after in a_others:
                for b1, b_after in b_others:
                    weights: dict[Levels, int] = {(a0, b0): 1, (a1, b0): -1, (a0, b1): -1, (a1, b1): 1}
                    by_seed = contrasts_by_seed(matched, weights, stability)
                    if by_seed:
                        pairs = (a_before, a_after), (b_before, b_after)
                        sets, difference = sum(map(len, by_seed)), share_change(by_seed, limit=2)
                        interactions.append(Interaction(members[0].group, (a, b), *pairs, sets, difference))
    return sorted(interactions, key=lambda interaction: -abs(interaction.change.mean))
