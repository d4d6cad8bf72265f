"""Where two factors do more, or less, together than apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.pairing import Levels, blocks, contrasts_by_seed, varied_factors
from orchestrator.statistics.result import Result, RunOutcome, by_group


@dataclass(frozen=True)
class Interaction:
    """How the effect of the first factor (its level `first[1]` against `first[0]`) changes with the second one.

    change: the effect at the second factor's level `second[1]` minus that at `second[0]`. It is the same number with
    the factors' places exchanged. sets: how many times four runs, alike in all else and with one seed, showed it; the
    change counts seeds.
    """

    group: str
    factors: tuple[str, str]
    first: tuple[Any, Any]
    second: tuple[Any, Any]
    sets: int
    change: Change


def pairwise_interactions(results: Sequence[Result], outcome: RunOutcome) -> list[Interaction]:
    """Interactions of every two factors of a group in the share of stable runs or in final quality, the largest first.

    Levels are compared with the first of their factor; of factors that move together the first stands for all. There is
    no adjustment for their number: what stands first here was searched for, so take it as a suggestion for the next
    sweep.
    """
    found = []
    for members in by_group(results).values():
        varied = varied_factors(members)
        for (a, a_levels), (b, b_levels) in combinations(varied.items(), 2):
            alike = blocks(members, [a, b], varied)
            (a0, a_before), *a_others = a_levels.items()
            (b0, b_before), *b_others = b_levels.items()
            for a1, a_after in a_others:
                for b1, b_after in b_others:
                    weights: dict[Levels, int] = {(a0, b0): 1, (a1, b0): -1, (a0, b1): -1, (a1, b1): 1}
                    by_seed = contrasts_by_seed(alike, weights, outcome)
                    if by_seed:
                        changed = (
                            share_change(by_seed, limit=2)
                            if outcome == "stable"
                            else mean_change([fmean(one_seed) for one_seed in by_seed])
                        )
                        pairs = (a_before, a_after), (b_before, b_after)
                        sets = sum(map(len, by_seed))
                        found.append(Interaction(members[0].group, (a, b), *pairs, sets, changed))
    return sorted(found, key=lambda interaction: -abs(interaction.change.mean))
