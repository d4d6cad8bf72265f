"""The answer to the sweep's question in sentences, and the commands to run next: pure functions of the results."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from gan_core.verdict.names import VerdictName
from orchestrator.command_hints import with_override
from orchestrator.report import drawn_settings, leaderboard
from orchestrator.report.analysis import Analysis
from orchestrator.report.answer_section import sentences
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.early_ends import early_end_sentences
from orchestrator.report.leaderboard import Row, stable_share
from orchestrator.report.remarks import remarks
from orchestrator.report.sweep_differences import difference_sentences
from orchestrator.report.template_filters import ratio
from orchestrator.statistics.clusters import pooled_share
from orchestrator.statistics.effects import Effect
from orchestrator.statistics.intervals import Change, Share
from orchestrator.sweepfile.model import MAX_CHOSEN

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
    ended = [run for run in data.selection if run.has_ended]
    if not ended:
        return Summary(["No run has ended yet."], [])
    answer = sentences(data.answer) if data.answer else difference_sentences(data, analysis)
    best = data.answer.best if data.answer else None
    extremes = "" if _is_search(data) else _best_and_riskiest(rows, best)  # a search names its best by more than that
    answer.append(f"{_count_sentence(ended, is_sample=not data.explored)} {extremes}".strip())
    unended = len(data.selection) + data.to_choose - len(ended)
    if unended:
        answer.append(f"{unended} more have not ended.")
    strongest = _strongest(analysis.effects)
    if strongest:
        answer.append(_of_levels(_stability_sentence(strongest, analysis), analysis))
    if any(effect.wins for effect in analysis.effects):
        answer.append(_of_levels(_quality_sentence(analysis), analysis))
    answer += drawn_settings.sentences(analysis.drawn, analysis.names) if not data.answer else []
    if data.confirmation and not _is_search(data):
        answer.append(_confirmation_sentence(data))
    if data.added_seeds:
        answer.append(f"{data.added_seeds}.")
    answer += [*early_end_sentences(data), *remarks(data, rows)]
    if data.imports and not unended and (seeds := _seeds_needed(data, strongest)):
        answer.append(f"To show the largest difference would take about {seeds} seeds of each configuration.")
    return Summary(answer, [] if unended else _next(data, rows, strongest))


def _is_search(data: SweepData) -> bool:
    return data.explored is not None and data.explored.kind == "search"


def _count_sentence(ended: list[RunData], is_sample: bool) -> str:
    """`17 of 21 runs were stable, 3 more are unfinished (95% interval 60% to 93%; dcgan 4 of 8, acgan 13 of 13).`

    is_sample: False of trials that were chosen by what had ended before, of which an interval says nothing.
    """
    total = pooled_share([run.to_result() for run in ended])
    unfinished = len(ended) - total.total
    if not total.total:
        why = "their steps ended before their samples resembled the data, or while they still improved"
        return f"All {unfinished} runs are unfinished: {why}."
    apart = f", {unfinished} more {'is' if unfinished == 1 else 'are'} unfinished" if unfinished else ""
    if not is_sample:
        by_choice = "each was chosen by how others ended, so these numbers say nothing of the space"
        return f"{total} runs were stable{apart}: {by_choice}."
    certainty = interval(total) if len({run.seed for run in ended}) > 1 else "one seed, so no interval"
    groups = list(dict.fromkeys(run.group for run in ended))
    shares = [f"{group} {stable_share([run for run in ended if run.group == group])}" for group in groups]
    by_group = f"; {', '.join(shares)}" if len(groups) > 1 else ""
    return f"{total} runs were stable{apart} ({certainty}{by_group})."


def _confirmation_sentence(data: SweepData) -> str:
    """The results of the best configurations on fresh seeds, whose runs are independent: a seed has one run of each."""
    parts = []
    for row in leaderboard.rows(data.confirmation):
        quality = "" if row.final is None else f", Frechet distance {row.final.mean:.3g}"
        parts.append(f"{row.configuration} {row.stable} ({interval(row.stable)}){quality}")
    return f"Again, on fresh seeds: {'; '.join(parts)}."


def interval(share: Share) -> str:
    return f"95% interval {share.low:.0%} to {share.high:.0%}"


def _best_and_riskiest(rows: list[Row], can_be_best: list[str] | None) -> str:
    """`can_be_best`: the configurations that a sweep leaves that trains until its question is answered; None: any."""
    ended = [row for row in rows if row.stable.total]
    left = [row for row in ended if can_be_best is None or row.configuration in can_be_best]
    if len(ended) < 2 or not left or not left[0].stable.hits:
        return ""
    best, riskiest = left[0], ended[-1]
    word = "Best so far" if can_be_best and len(can_be_best) > 1 else "Best"
    quality = "" if best.final is None else f", with a Frechet distance of {best.final.mean:.3g} at the end"
    outcomes = ", ".join(dict.fromkeys(outcome for _, outcome in riskiest.outcomes if outcome != VerdictName.STABLE))
    reasons = f" ({outcomes})" if outcomes else ""
    sentence = f"{word} is {best.configuration}: {best.stable}{quality}."
    if riskiest.stable.rate >= best.stable.rate:
        return sentence
    return f"{sentence} Riskiest is {riskiest.configuration}: {riskiest.stable}{reasons}."


def _of_levels(sentence: str, analysis: Analysis) -> str:
    """The sentence on effects of levels; beside drawn settings it does not speak of all settings."""
    return sentence.replace("No setting", "No swept setting", 1) if analysis.drawn else sentence


def _strongest(effects: list[Effect]) -> Effect | None:
    """The effect on the share of stable runs to tell of: significant ones first, then the largest.

    One of a single seed comes after the others, because nothing says how much of it is luck.
    """

    def order(effect: Effect) -> tuple[bool, bool, bool, float, float]:
        change = effect.stable
        return not effect.stable_holds, change.mean == 0, effect.seeds == 1, -abs(change.mean), change.p

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
        f"{analysis.phrase(effect)}{_but_single_seeds(analysis)}."
    )


def _quality_sentence(analysis: Analysis) -> str:
    """What holds of the images, or else the largest difference, in pairs of runs."""
    compared = [(effect, effect.wins) for effect in analysis.effects if effect.wins]
    if significant := [effect for effect, _ in compared if effect.images_hold]:
        parts = "; ".join(_better_images(effect, analysis) for effect in significant)
        return f"Images get better or worse by more than chance: {parts}."
    effect, wins = min(
        compared, key=lambda pair: (pair[1].mean == 0.5, pair[0].seeds == 1, -abs(pair[1].mean - 0.5), pair[1].p)
    )
    if wins.mean == 0.5:
        return "No setting changed how often the images are better."
    if effect.seeds == 1:
        return f"The largest difference in images is, on one seed, that {_better_images(effect, analysis)}."
    largest = _better_images(effect, analysis)
    if not (_excludes(wins, 0.5) or (effect.ratio and _excludes(effect.ratio, 1.0))):
        single = _but_single_seeds(analysis)
        return f"No setting is shown to make images better or worse: the largest difference is that {largest}{single}."
    return (
        f"No setting is shown to make images better or worse: the largest difference, that {largest}, does not stand "
        f"out among the {len(analysis.effects)} effects looked at."
    )


def _but_single_seeds(analysis: Analysis) -> str:
    return ", leaving out what one seed alone shows" if any(effect.seeds == 1 for effect in analysis.effects) else ""


def _excludes(change: Change, value: float) -> bool:
    """Whether its interval does not hold the value, which alone is no claim: it is one of many."""
    return change.low > value or change.high < value


def _better_images(effect: Effect, analysis: Analysis) -> str:
    """`with lr from 1 to 2 they are better in 83% of pairs (95% interval ...; Frechet distance ... x0.83 (...))`."""
    assert effect.wins
    parts = [f"95% interval {effect.wins.low:.0%} to {effect.wins.high:.0%}"] if effect.seeds > 1 else []
    if effect.ratio:
        parts.append(f"Frechet distance of the runs that drew {ratio(effect.ratio)}")
    certainty = f" ({'; '.join(parts)})" if parts else ""
    return f"with {analysis.phrase(effect)} they are better in {effect.wins.mean:.0%} of pairs{certainty}"


def _next(data: SweepData, rows: list[Row], strongest: Effect | None) -> list[tuple[str, str]]:
    """Of a sweep with an answer only longer training: it says itself how many seeds it would take."""
    if data.imports:  # nothing here can train them
        return []
    command = data.commands[0]
    suggestions = []
    if longer := _longer_training(data):
        name, steps = longer
        reason = f"train longer, because no run of {name} got far enough to be judged"
        if data.explored:  # trials with more steps are other ones, and say nothing of where these should be
            reason += f"; all trials of the {data.explored.kind} are then chosen anew, and trained from step 0"
        suggestions.append((reason, with_override(command, f"trial.steps={steps}")))
        if name == "any setting":
            return suggestions
    if data.answer:
        return suggestions
    if data.explored:
        kind, trials = data.explored.kind, data.explored.trials
        more = min(2 * trials, MAX_CHOSEN[kind])
        if more > trials:
            reason = "with more trials, from where it stands"
            suggestions.append((reason, with_override(command, f"{kind}.trials={more}")))
        return suggestions
    seeds = sorted({run.seed for run in data.selection})
    if len(seeds) == 1:
        reason = "more seeds, to tell settings from luck"
        return [*suggestions, (reason, with_override(command, _seeds_setting(_extended(seeds, 3))))]
    if needed := _seeds_needed(data, strongest):
        reason = f"to show the largest difference, which takes about {needed} seeds"
        suggestions.append((reason, _with_more_seeds(command, seeds, needed)))
    if len(data.configurations()) > 3 and not data.confirmation and rows[0].stable.hits:
        confirm = shlex.join([*command, "--confirm", "3"])
        suggestions.append(("to see whether the best are more than lucky, on fresh seeds", confirm))
    return suggestions


def _seeds_needed(data: SweepData, strongest: Effect | None) -> int | None:
    """How many seeds the strongest effect takes that is not shown; None if that is not known, or too many."""
    needed = strongest.seeds_to_show if strongest and not strongest.stable_holds else None
    return needed if needed and len({run.seed for run in data.selection}) < needed <= MAX_SEEDS else None


def _longer_training(data: SweepData) -> tuple[str, int] | None:
    """(what has only unfinished runs, twice its steps); None if there is no such thing, or if steps are swept."""
    unfinished = [
        (name, runs)
        for name, runs in data.configurations().items()
        if all(run.verdict == VerdictName.UNFINISHED for run in runs)
    ]
    if data.explored and len(unfinished) < len(data.configurations()):
        return None  # at the edge of its space there are always some
    if not unfinished or any("steps" in run.factors for run in data.selection):
        return None
    steps = 2 * max(run.steps for _, runs in unfinished for run in runs)
    name = "any setting" if len(unfinished) == len(data.configurations()) else unfinished[0][0]
    more = len(unfinished) - 1
    others = f" and {more} other{'s' * (more > 1)}" if 0 < more < len(data.configurations()) - 1 else ""
    return name + others, steps


def _extended(seeds: list[int], count: int) -> list[int]:
    """The seeds and the next numbers after them, `count` in all."""
    return seeds + list(range(max(seeds) + 1, max(seeds) + 1 + count - len(seeds)))


def _with_more_seeds(command: list[str], seeds: list[int], count: int) -> str:
    """A sweep that looks after each seed: with seeds that are added by hand false claims are more likely than 5%."""
    if seeds != list(range(len(seeds))):
        return with_override(command, _seeds_setting(_extended(seeds, count)))
    looks = f"seeds={{first: {len(seeds)}, most: {count}}}"
    return with_override(shlex.split(with_override(command, looks)), "until=answered")


def _seeds_setting(seeds: list[int]) -> str:
    return f"seeds={seeds}".replace(" ", "")


def points(change: float) -> str:
    """A change of a share in percentage points: 0.25 -> +25."""
    return f"{100 * change:+.0f}"
