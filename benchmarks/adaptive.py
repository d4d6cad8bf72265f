"""How good is a sweep that stops when its question is answered? Prints tables in Markdown.

    python benchmarks/adaptive.py [--sweeps 200] [--tests 20000]

Sweeps of a plain configuration and six that change it are simulated, with what chance does to real ones: seeds that
share their luck, heavy tails, ties, rare collapses, failures. `planning.adaptive` decides what is trained, as in the
command.

1. False claims: sweeps in which nothing has an effect, adaptive, looked at after each seed until something is claimed.
2. Power and price: a third of the comparisons nothing, a third an effect (40 points, or one standard deviation of the
   seeds), a third twice that. Trials compared with the fixed design (all configurations, Holm) of the same power.
3. Small: how often "small" is said where the truth is beyond the margin, also by whole seeds, and where it is nothing.
4. Ways to look, one comparison by itself: group-sequential t tests, a betting confidence sequence, a sign-flip test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from orchestrator.planning.adaptive import Ended, interim_analysis
from orchestrator.statistics.clusters import win_probability
from orchestrator.statistics.group_comparison import Member
from orchestrator.statistics.intervals import mean_change, share_change
from orchestrator.statistics.multiplicity import holm
from orchestrator.statistics.pairs import log_ratio, win
from orchestrator.statistics.result import Result
from orchestrator.statistics.sequential import State
from orchestrator.statistics.spending import nominal_levels
from orchestrator.sweepfile.model import UntilAnswered

FIRST, MOST, ARMS = 3, 20, 6
NOISES = ("0", "0.1", "0.2", "0.3")
"""Each arm is trained with each instance noise: four pairs of a seed."""
MARGIN = 0.25
"""Of a small change of quality, where small ones are counted."""
SCALE = 0.3
"""Standard deviation of the logarithm of the Frechet distance of runs that differ in nothing but chance."""
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Chance:
    """What chance does. luck: standard deviation of what all runs of a seed share, where a run's own is 1. level_luck:
    of how much an effect varies between seeds. tails: degrees of freedom of Student's t of a run's own part. collapses,
    failures: shares of runs. ties: distances are rounded to so much. stable: share of stable runs without an effect.
    """

    name: str
    luck: float = 1.0
    level_luck: float = 0.3
    tails: float = np.inf
    collapses: float = 0.0
    failures: float = 0.0
    ties: float = 0.0
    stable: float = 0.5

    @property
    def spread(self) -> float:
        """Of a run's hidden strength."""
        return float((1 + self.luck**2 + self.level_luck**2) ** 0.5)

    @property
    def seed_spread(self) -> float:
        """Of the mean change of the quality of a seed, in units of a run's own."""
        return float((2 * self.level_luck**2 + 2 / len(NOISES)) ** 0.5)

    def shift(self, share: float) -> float:
        """What makes the share of stable runs this one."""
        from scipy.special import ndtri

        return self.spread * float(ndtri(share) - ndtri(self.stable))


CHANCES = (
    Chance("luck 1"),
    Chance("luck 2", luck=2.0, level_luck=1.0),
    Chance("heavy tails, ties", tails=2.5, ties=0.25),
    Chance("5% collapse, 2% fail", collapses=0.05, failures=0.02),
    Chance("nearly all stable", stable=0.95),
)
Effects = Sequence[float]
"""Of each arm, in the units of what it acts on."""


def simulate(chance: Chance, stable: Effects, quality: Effects, rng: np.random.Generator) -> dict[Any, Member]:
    """A sweep with all the trials that it can have. stable: added to a run's hidden strength, of which it is stable
    above 0. quality: subtracted from the logarithm of its Frechet distance, in standard deviations of a seed's change.
    """
    from scipy.special import ndtri

    shape = (MOST, 1 + ARMS, len(NOISES))
    ended: dict[Any, Member] = {}

    def own() -> Array:
        return rng.standard_normal(shape) if np.isinf(chance.tails) else rng.standard_t(chance.tails, shape)

    def common() -> Array:
        levels = rng.standard_normal((MOST, 1 + ARMS, 1)) * chance.level_luck
        return np.asarray(rng.standard_normal((MOST, 1, 1)) * chance.luck + levels)

    strength = common() + own() + chance.spread * float(ndtri(chance.stable))
    strength += np.array([0.0, *stable])[None, :, None]
    distance = common() + own() - chance.seed_spread * np.array([0.0, *quality])[None, :, None]
    if chance.ties:
        distance = np.round(distance / chance.ties) * chance.ties
    collapsed, failed = rng.random(shape) < chance.collapses, rng.random(shape) < chance.failures
    for seed, arm, noise in np.ndindex(shape):
        is_stable = bool(strength[seed, arm, noise] > 0 and not collapsed[seed, arm, noise])
        has_failed = bool(failed[seed, arm, noise])
        member = _member(
            seed, arm, noise, is_stable and not has_failed, float(np.exp(SCALE * distance[seed, arm, noise]))
        )
        ended[member.result.configuration, seed] = member
    return ended


def _member(seed: int, arm: int, noise: int, stable: bool, distance: float) -> Member:
    factors = {"stabilizers.instance_noise": NOISES[noise]}
    name, settings = f"arm {arm} noise {noise}", {"loss.gradient_penalty": arm, **factors}
    result = Result(f"arm {arm}", name, seed, factors, stable, 100, None, distance, distance, stable)
    return Member(result, settings)


def configurations(ended: Ended) -> list[Member]:
    return [
        member._replace(result=replace(member.result, stable=True, drew=True, final=1.0, best=1.0))
        for (_, seed), member in ended.items()
        if seed == 0
    ]


UNTIL = UntilAnswered(FIRST, MOST, factors=("loss.gradient_penalty",), best=False)


def print_false_claims(sweeps: int, rng: np.random.Generator) -> None:
    rows = []
    for chance in CHANCES:
        claims, best, trials = [], [], []
        for _ in range(sweeps):
            ended = simulate(chance, [0.0] * ARMS, [0.0] * ARMS, rng)
            now = interim_analysis(configurations(ended), ended, replace(UNTIL, factors=(), best=True))
            claims.append(now.count(State.SHOWN) > 0)
            best.append(now.contest is not None and len(now.contest.left) == 1)
            trials.append(now.trials / len(ended))
        rows.append([chance.name, *(f"{np.mean(values):.1%}" for values in (claims, best, trials))])
    print_table(["nothing has an effect", "a false claim", "a best one", "trials of the most"], rows)


def print_looks_by_hand(sweeps: int, rng: np.random.Generator) -> None:
    claims = [_first_claim_of_looker(simulate(CHANCES[0], [0.0] * ARMS, [0.0] * ARMS, rng)) for _ in range(sweeps)]
    looks = f"looks after each of {FIRST} to {MOST} seeds"
    print(
        f"Whoever looks at the fixed design's page {looks} is shown something in {np.mean(claims):.1%}.\n", flush=True
    )


def _first_claim_of_looker(ended: Ended) -> bool:
    """Whether somebody who looks at the fixed design's page after each seed is ever shown something."""
    return any(any(fixed_claims(ended, seeds, 0) + fixed_claims(ended, seeds, 1)) for seeds in range(FIRST, MOST + 1))


def fixed_claims(ended: Ended, seeds: int, outcome: int) -> list[bool]:
    """Of each arm, whether the fixed design with so many seeds shows its effect, as `paired_effects` does."""
    changes = []
    for arm in range(1, 1 + ARMS):
        pairs = [
            [
                (ended[f"arm 0 noise {n}", seed].result, ended[f"arm {arm} noise {n}", seed].result)
                for n in range(len(NOISES))
            ]
            for seed in range(seeds)
        ]
        stable = [[(b.stable or 0.0) - (a.stable or 0.0) for a, b in of_seed] for of_seed in pairs]
        wins = [[win(a, b) or 0.0 for a, b in of_seed] for of_seed in pairs]
        ratios = [[value for a, b in of_seed if (value := log_ratio(a, b)) is not None] for of_seed in pairs]
        means = [np.mean(of_seed) for of_seed in ratios if of_seed]
        changes += [share_change(stable).p, win_probability(wins).p, mean_change(means).p if means else 1.0]  # type: ignore[arg-type]
    holds = np.array(holm(changes)).reshape(ARMS, 3) < 0.05
    return [bool(of_arm[0] if outcome == 0 else of_arm[1:].any()) for of_arm in holds]


def print_power(sweeps: int, rng: np.random.Generator) -> None:
    rows = []
    for outcome in ("stable", "quality"):
        chances = [replace(chance, stable=0.15 if outcome == "stable" else 0.95) for chance in CHANCES[:4]]
        for chance in chances:
            number, sizes = ("stable", "quality").index(outcome), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
            stable = [chance.shift(0.15 + 0.4 * size) for size in sizes] if outcome == "stable" else [0.0] * ARMS
            quality = sizes if outcome == "quality" else [0.0] * ARMS
            shown, trials, seeds, changes = [], [], [], []
            sweeps_made = [simulate(chance, stable, quality, rng) for _ in range(sweeps)]
            for ended in sweeps_made:
                now = interim_analysis(configurations(ended), ended, UNTIL)
                tests = [compared.tests[number] for compared in now.comparisons]
                shown.append([test.state is State.SHOWN for test in tests])
                trials.append(now.trials)
                seeds.append(now.seeds)
                changes.append([abs(test.looks[-1].mean) for test in tests])
            powers = np.array(shown).mean(axis=0)
            power = powers[2:4].mean()
            fixed = _fixed_seeds(sweeps_made, number, float(power))
            ratio = np.mean(trials) / (fixed * (1 + ARMS) * len(NOISES))
            of_size = np.mean(changes, axis=0)[2:4].mean()
            row = [outcome, chance.name, f"{of_size:.2f}", f"{powers[:2].mean():.1%}", f"{power:.0%}"]
            rows.append([*row, f"{powers[4:].mean():.0%}", f"{np.mean(seeds):.1f}", f"{fixed:.1f}", f"{ratio:.0%}"])
    titles = ["outcome", "chance", "measured", "shown: nothing", "one", "two", "seeds", "fixed seeds", "trials"]
    print_table(titles, rows)


def _fixed_seeds(sweeps_made: Sequence[Ended], outcome: int, power: float) -> float:
    """The seeds with which the fixed design has this power for the smaller effect, between two whole numbers."""
    numbers = [4, 6, 8, 10, 12, 14, 16, 18, 20]
    powers = [np.mean([fixed_claims(ended, seeds, outcome)[2:4] for ended in sweeps_made]) for seeds in numbers]
    return float(np.interp(power, np.maximum.accumulate(powers), numbers))


def print_small(sweeps: int, rng: np.random.Generator) -> None:
    rows = []
    precise = Chance("precise", level_luck=0.05, stable=0.97)
    beyond = (MARGIN + 0.01) / (SCALE * precise.seed_spread)
    for name, shift in (("nothing", 0.0), ("just beyond the margin", beyond)):
        states = []
        for _ in range(sweeps):
            ended = simulate(precise, [0.0] * ARMS, [shift] * ARMS, rng)
            now = interim_analysis(configurations(ended), ended, replace(UNTIL, same_quality=MARGIN))
            states += [compared.tests[1].state for compared in now.comparisons]
        shares = [f"{np.mean([state is wanted for state in states]):.1%}" for wanted in State]
        rows.append([name, *shares])
    print_table(["change of quality", *State], rows)
    rows = []
    for name, ruined in (("nothing", 0.0), ("-22 points, by whole seeds", 0.22)):
        states = []
        for _ in range(sweeps):
            plain = simulate(replace(precise, stable=0.999), [0.0] * ARMS, [0.0] * ARMS, rng)
            ended = with_ruined_seeds(plain, ruined, rng)
            now = interim_analysis(configurations(ended), ended, UNTIL)
            states += [compared.tests[0].state for compared in now.comparisons]
        rows.append([name, *(f"{np.mean([state is wanted for state in states]):.1%}" for wanted in State)])
    print_table(["change of stable runs", *State], rows)


def with_ruined_seeds(ended: dict[Any, Member], share: float, rng: np.random.Generator) -> dict[Any, Member]:
    """The sweep, where this share of the seeds ruins all runs of an arm; each arm but the plain one has its own."""
    ruined = rng.random((MOST, 1 + ARMS)) < share
    ruined[:, 0] = False
    return {
        (name, seed): member._replace(
            result=replace(
                member.result,
                stable=bool(member.result.stable and not ruined[seed, member.settings["loss.gradient_penalty"]]),
            )
        )
        for (name, seed), member in ended.items()
    }


def print_ways(tests: int, rng: np.random.Generator) -> None:
    """One comparison, level 5% / 12, changes of a seed normal or in {-1, 0, 1}: how often and when it is shown."""
    level, rows = 0.05 / 12, []
    for name, mean in (("nothing", 0.0), ("one deviation", 1.0), ("two", 2.0)):
        values = rng.normal(mean, 1, (tests, MOST))
        ways = {
            "t test, spent by looks": _t_looks(values, level),
            "sign flips, spent by looks": _flips(values, level, rng),
        }
        rows += [["quality", name, way, *_ever(shown)] for way, shown in ways.items()]
    for name, share in (("nothing", 0.0), ("40 points", 0.4), ("80 points", 0.8)):
        up, down = 0.1 + 0.9 * share, 0.1 * (1 - share)
        drawn = rng.random((tests, MOST))
        values = np.where(drawn < up, 1.0, np.where(drawn > 1 - down, -1.0, 0.0))
        rows.append(["stable", name, "t test, spent by looks", *_ever(_share_looks(values, level))])
        rows.append(["stable", name, "betting, without a last look", *_ever(_betting(values, level))])
    print_table(["outcome", "change", "way", "shown", "seeds"], rows)


def _ever(shown: Array) -> list[str]:
    """`shown`: [tests, looks] whether a test is shown at each look."""
    ever = shown.any(axis=1)
    seeds = np.where(ever, shown.argmax(axis=1) + FIRST, MOST)
    return [f"{ever.mean():.2%}", f"{seeds.mean():.1f}"]


def _t_looks(values: Array, level: float) -> Array:
    from scipy.special import stdtr

    shown = []
    for seeds, nominal in zip(range(FIRST, MOST + 1), nominal_levels(level, FIRST, MOST), strict=True):
        so_far = values[:, :seeds]
        error = np.maximum(so_far.std(axis=1, ddof=1), 1e-12) / seeds**0.5
        shown.append(2 * stdtr(seeds - 1, -np.abs(so_far.mean(axis=1)) / error) <= nominal)
    return np.array(shown).T


def _share_looks(values: Array, level: float) -> Array:
    """As `share_change` of one pair in each seed."""
    from scipy.special import stdtr

    shown = []
    for seeds, nominal in zip(range(FIRST, MOST + 1), nominal_levels(level, FIRST, MOST), strict=True):
        so_far = values[:, :seeds]
        variance = np.maximum(so_far.var(axis=1, ddof=1), 2 / (seeds + 2))
        shown.append(2 * stdtr(seeds + 1, -np.abs(so_far.mean(axis=1)) / (variance / seeds) ** 0.5) <= nominal)
    return np.array(shown).T


def _betting(values: Array, level: float) -> Array:
    """Waudby-Smith and Ramdas (2023): a mixture of bets on either side, for changes in [-1, 1]; for ever."""
    bets = np.linspace(-0.95, 0.95, 39)
    wealth = np.exp(np.cumsum(np.log1p(bets[:, None, None] * values), axis=2)).mean(axis=0)
    return np.asarray(np.maximum.accumulate(wealth, axis=1)[:, FIRST - 1 :] >= 1 / level)


def _flips(values: Array, level: float, rng: np.random.Generator) -> Array:
    """As AdaStop: the rank of |mean| among those of all flips of signs, of which there are 2^(seeds - 1)."""
    shown = []
    for seeds, nominal in zip(range(FIRST, MOST + 1), nominal_levels(level, FIRST, MOST), strict=True):
        if 2.0 ** (1 - seeds) > nominal:
            shown.append(np.zeros(len(values), bool))
            continue
        signs = rng.choice([-1.0, 1.0], (4000, seeds))
        sums = np.abs(values[:500, :seeds] @ signs.T)
        p = (1 + np.sum(sums >= np.abs(values[:500, :seeds].sum(axis=1))[:, None] - 1e-12, axis=1)) / 4001
        shown.append(np.concatenate([p <= nominal, np.zeros(len(values) - 500, bool)]))
    return np.array(shown).T[:500]


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="How good is a sweep that stops when its question is answered?")
    parser.add_argument("--sweeps", type=int, default=200, help="simulated sweeps of each number (default: 200)")
    parser.add_argument("--tests", type=int, default=20_000, help="simulated single comparisons (default: 20000)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print_ways(options.tests, rng)
    print_false_claims(options.sweeps, rng)
    print_power(options.sweeps, rng)
    print_small(options.sweeps // 4, rng)
    print_looks_by_hand(options.sweeps // 2, rng)


if __name__ == "__main__":
    main()
