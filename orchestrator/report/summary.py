"""The answer to the sweep's question in sentences, and the commands to run next: pure functions of the results."""

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
"""The summary suggests no command with more seeds than this."""


@dataclass(frozen=True)
class Summary:
    """`answer`: sentences that answer the question. `next`: (reason, command) of what to run next."""

    answer: list[str]
    next: list[tuple[str, str]]

    @property
    def lines(self) -> list[str]:
        """The answer and the commands as lines of text."""
        return [*self.answer, *(f"Next, {reason}: {command}" for reason, command in self.next)]


def summarise(data: SweepData, rows: list[Row], analysis: Analysis) -> Summary:
    """The answer, as far as the runs that have ended allow one."""
    total = stable_share(data.selection)
    if not total.total:
        return Summary(["No run has ended yet."], [])
    unended = len(data.selection) - total.total
    answer = [f"{total} runs were stable ({interval(total)}{_by_group(data)}). {_best_and_riskiest(rows)}".strip()]
    if unended:
        answer.append(f"{unended} more have not ended.")
    strongest = _strongest(analysis.effects)
    if strongest:
        answer.append(_stability_sentence(strongest, analysis))
    if significant := [effect for effect in analysis.effects if effect.quality_holds]:
        answer.append(_quality_sentence(significant, analysis))
    if data.confirmation:
        answer.append(_confirmation_sentence(data))
    return Summary(answer, [] if unended else _next(data, strongest))


def _confirmation_sentence(data: SweepData) -> str:
    """The results of the best configurations on fresh seeds."""
    parts = []
    for row in leaderboard.rows(data.confirmation):
        quality = "" if row.final is None else f", Frechet distance {row.final.mean:.3g}"
        parts.append(f"{row.configuration} {row.stable}{quality}")
    return f"Again, on fresh seeds: {'; '.join(parts)}."


def _by_group(data: SweepData) -> str:
    """The share of stable runs of each group; "" if there is one group."""
    if len(data.groups) == 1:
        return ""
    shares = {group: stable_share([run for run in data.selection if run.group == group]) for group in data.groups}
    return "; " + ", ".join(f"{group} {stable}" for group, stable in shares.items())


def interval(share: Share) -> str:
    return f"95% interval {share.low:.0%} to {share.high:.0%}"


def _best_and_riskiest(rows: list[Row]) -> str:
    ended = [row for row in rows if row.stable.total]
    if len(ended) < 2 or not ended[0].stable.hits:
        return ""
    best, riskiest = ended[0], ended[-1]
    quality = "" if best.final is None else f", with a Frechet distance of {best.final.mean:.3g} at the end"
    outcomes = ", ".join(dict.fromkeys(outcome for _, outcome in riskiest.outcomes if outcome != "stable"))
    reasons = f" ({outcomes})" if outcomes else ""
    return (
        f"Best is {best.configuration}: {best.stable}{quality}. "
        f"Riskiest is {riskiest.configuration}: {riskiest.stable}{reasons}."
    )


def _strongest(effects: list[Effect]) -> Effect | None:
    """The effect on the share of stable runs to tell of: significant ones first, then the largest."""

    def order(effect: Effect) -> tuple[bool, float, float]:
        return not effect.stable_holds, -abs(effect.stable.mean), effect.stable.p

    return min(effects, key=order, default=None)


def _stability_sentence(effect: Effect, analysis: Analysis) -> str:
    change, size = effect.stable, f"{points(effect.stable.mean)} points"
    if change.mean == 0:
        return "No setting changed the share of stable runs."
    if effect.seeds == 1:
        return (
            f"The largest difference in stable runs is {size}, with {analysis.phrase(effect)}, on one seed: nothing "
            "says how much of it is luck."
        )
    certainty = f"95% interval {points(change.low)} to {points(change.high)}, over {effect.seeds} seeds"
    if effect.stable_holds:
        return f"The share of stable runs changes by {size} ({certainty}) with {analysis.phrase(effect)}."
    if change.low > 0 or change.high < 0:
        return (
            f"The share of stable runs changes by {size} ({certainty}) with {analysis.phrase(effect)}, which does not "
            f"stand out among the {len(analysis.effects)} effects looked at."
        )
    return (
        f"No setting is shown to change the share of stable runs: the largest difference is {size} ({certainty}), with "
        f"{analysis.phrase(effect)}."
    )


def _quality_sentence(effects: list[Effect], analysis: Analysis) -> str:
    parts = []
    for effect in effects:
        assert effect.quality
        mean, low, high = effect.quality[:3]
        parts.append(f"{mean:+.3g} ({low:+.3g} to {high:+.3g}) with {analysis.phrase(effect)}")
    return f"The Frechet distance at the end changes by more than chance: {'; '.join(parts)}."


def _next(data: SweepData, strongest: Effect | None) -> list[tuple[str, str]]:
    seeds = sorted({run.seed for run in data.selection})
    command = shlex.join(data.commands[0])
    if len(seeds) == 1:
        return [("more seeds, to tell settings from luck", f"{command} --set {_seeds_setting(_extended(seeds, 3))}")]
    suggestions = []
    needed = strongest.stable.seeds_needed if strongest and not strongest.stable_holds else None
    if needed and len(seeds) < needed <= MAX_SEEDS:
        reason = f"to show the largest difference, which takes about {needed} seeds"
        suggestions.append((reason, f"{command} --set {_seeds_setting(_extended(seeds, needed))}"))
    if len(data.configurations()) > 3 and not data.confirmation:
        suggestions.append(("to see whether the best are more than lucky, on fresh seeds", f"{command} --confirm 3"))
    return suggestions


def _extended(seeds: list[int], count: int) -> list[int]:
    """The seeds and the next numbers after them, `count` in all."""
    return seeds + list(range(max(seeds) + 1, max(seeds) + 1 + count - len(seeds)))


def _seeds_setting(seeds: list[int]) -> str:
    return shlex.quote(f"seeds={seeds}".replace(" ", ""))


def points(change: float) -> str:
    """A change of a share in percentage points: 0.25 -> +25."""
    return f"{100 * change:+.0f}"
