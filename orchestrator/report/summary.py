"""The answer to the sweep's question, in words and numbers: pure functions of what was measured."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from orchestrator.report import leaderboard
from orchestrator.report.analysis import Analysis
from orchestrator.report.data import SweepData
from orchestrator.report.leaderboard import Row, stable_share
from orchestrator.statistics.effects import Effect
from orchestrator.statistics.intervals import Share

MAX_SEEDS = 50
"""No command with more seeds than this is advised."""


@dataclass(frozen=True)
class Summary:
    """`answer`: sentences that answer the question; `next`: (why, command) of what to run next."""

    answer: list[str]
    next: list[tuple[str, str]]

    @property
    def lines(self) -> list[str]:
        """All of it as text."""
        return [*self.answer, *(f"Next, {why}: {command}" for why, command in self.next)]


def summarise(data: SweepData, rows: list[Row], analysis: Analysis) -> Summary:
    """The answer as far as the runs that have ended can give one."""
    total = stable_share(data.selection)
    if not total.total:
        return Summary(["No run has ended yet."], [])
    waiting = len(data.selection) - total.total
    answer = [f"{total} runs were stable ({interval(total)}{_by_group(data)}). {_best_and_riskiest(rows)}".strip()]
    if waiting:
        answer.append(f"{waiting} more have not ended.")
    strongest = _strongest(analysis.effects)
    if strongest:
        answer.append(_of_stability(strongest, analysis))
    if decided := [effect for effect in analysis.effects if effect.quality_holds]:
        answer.append(_of_quality(decided, analysis))
    if data.confirmation:
        answer.append(_confirmed(data))
    return Summary(answer, [] if waiting else _next(data, strongest))


def _confirmed(data: SweepData) -> str:
    """What the best configurations did on fresh seeds."""
    again = leaderboard.rows(data.confirmation)
    said = []
    for row in again:
        quality = "" if row.final is None else f", Frechet distance {row.final.mean:.3g}"
        said.append(f"{row.configuration} {row.stable}{quality}")
    return f"Again, on fresh seeds: {'; '.join(said)}."


def _by_group(data: SweepData) -> str:
    """How many of each group's runs were stable; nothing where there is one group."""
    if len(data.groups) == 1:
        return ""
    shares = {group: stable_share([run for run in data.selection if run.group == group]) for group in data.groups}
    return "; " + ", ".join(f"{group} {found}" for group, found in shares.items())


def interval(share: Share) -> str:
    return f"95% interval {share.low:.0%} to {share.high:.0%}"


def _best_and_riskiest(rows: list[Row]) -> str:
    ended = [row for row in rows if row.stable.total]
    if len(ended) < 2 or not ended[0].stable.hits:
        return ""
    best, riskiest = ended[0], ended[-1]
    quality = "" if best.final is None else f", with a Frechet distance of {best.final.mean:.3g} at the end"
    outcomes = ", ".join(dict.fromkeys(outcome for _, outcome in riskiest.outcomes if outcome != "stable"))
    wrong = f" ({outcomes})" if outcomes else ""
    return (
        f"Best is {best.configuration}: {best.stable}{quality}. "
        f"Riskiest is {riskiest.configuration}: {riskiest.stable}{wrong}."
    )


def _strongest(effects: list[Effect]) -> Effect | None:
    """The effect on the share of stable runs that is surest, then largest."""

    def order(effect: Effect) -> tuple[bool, float, float]:
        return not effect.stable_holds, -abs(effect.stable.mean), effect.stable.p

    return min(effects, key=order, default=None)


def _of_stability(effect: Effect, analysis: Analysis) -> str:
    change, size = effect.stable, f"{points(effect.stable.mean)} points"
    if change.mean == 0:
        return "No setting changed the share of stable runs."
    if effect.seeds == 1:
        return (
            f"The largest difference in stable runs is {size}, with {analysis.phrase(effect)}, on one seed: nothing "
            "says how much of it is luck."
        )
    sure = f"95% interval {points(change.low)} to {points(change.high)}, over {effect.seeds} seeds"
    if effect.stable_holds:
        return f"The share of stable runs changes by {size} ({sure}) with {analysis.phrase(effect)}."
    if change.low > 0 or change.high < 0:
        return (
            f"The share of stable runs changes by {size} ({sure}) with {analysis.phrase(effect)}, which does not stand "
            f"out among the {len(analysis.effects)} effects looked at."
        )
    return (
        f"No setting is shown to change the share of stable runs: the largest difference is {size} ({sure}), with "
        f"{analysis.phrase(effect)}."
    )


def _of_quality(effects: list[Effect], analysis: Analysis) -> str:
    said = []
    for effect in effects:
        assert effect.quality
        mean, low, high = effect.quality[:3]
        said.append(f"{mean:+.3g} ({low:+.3g} to {high:+.3g}) with {analysis.phrase(effect)}")
    return f"The Frechet distance at the end changes by more than chance: {'; '.join(said)}."


def _next(data: SweepData, strongest: Effect | None) -> list[tuple[str, str]]:
    seeds = sorted({run.seed for run in data.selection})
    command = shlex.join(data.commands[0])
    if len(seeds) == 1:
        return [("more seeds, to tell settings from luck", f"{command} --set {_seeds(_more(seeds, 3))}")]
    found = []
    needed = strongest.stable.seeds_needed if strongest and not strongest.stable_holds else None
    if needed and len(seeds) < needed <= MAX_SEEDS:
        why = f"to show the largest difference, which takes about {needed} seeds"
        found.append((why, f"{command} --set {_seeds(_more(seeds, needed))}"))
    if len(data.configurations()) > 3 and not data.confirmation:
        found.append(("to see whether the best are more than lucky, on fresh seeds", f"{command} --confirm 3"))
    return found


def _more(seeds: list[int], count: int) -> list[int]:
    """The seeds that there are, and the next ones."""
    return seeds + list(range(max(seeds) + 1, max(seeds) + 1 + count - len(seeds)))


def _seeds(seeds: list[int]) -> str:
    return shlex.quote(f"seeds={seeds}".replace(" ", ""))


def points(change: float) -> str:
    """A change of a share in percentage points: 0.25 -> +25."""
    return f"{100 * change:+.0f}"
