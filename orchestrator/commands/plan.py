"""`orchestrate plan`: what a sweep would train, what is finished or stale and why, and how long it would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrator import environment
from orchestrator.cluster.capacity import ASSUMED_GPU_SHARE, slots
from orchestrator.command_hints import sweep_command
from orchestrator.commands import queued_training
from orchestrator.commands.data_lines import data_lines
from orchestrator.commands.trial_rows import TrialRow, count_states, rows_of_plan
from orchestrator.console.output import say
from orchestrator.console.style import STATE
from orchestrator.console.table import Column, print_table
from orchestrator.errors import UserError
from orchestrator.formatting import count_of, format_duration, short_key, trial_label
from orchestrator.planning import staleness
from orchestrator.planning.adaptive import comparisons_to_test
from orchestrator.planning.adaptive_queue import AdaptiveQueue
from orchestrator.planning.answer_words import ended_with_nothing, plan_end_line, progress_line
from orchestrator.planning.confirmation import expected_confirmations
from orchestrator.planning.drawn_points import sample_lines
from orchestrator.planning.early_ends import with_ended_going_on
from orchestrator.planning.expected_trials import MAX_SEEDS, seeds_of_fixed_design
from orchestrator.planning.explored_words import explored_line
from orchestrator.planning.extension import with_extended_records
from orchestrator.planning.outcome import as_planned
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.reuse import with_reusable_records
from orchestrator.planning.runtime_estimate import RuntimeEstimate, TimedTrial, estimate_runtime, timed_trials
from orchestrator.statistics.power import POWER, TYPICAL_CHANGE
from orchestrator.sweepfile.model import Sweep, UntilAnswered

OTHER_CODE = "finished with other code"


@dataclass(frozen=True)
class UntilPreview:
    """How many trials are left at least, as expected, and at most.

    seconds: number of trials -> how long so many take; None if no similar one was measured. buys: how many trials the
    budget buys, at the rate of those that have ended; None if that is not known. is_over: nothing more is trained.
    """

    least: int
    expected: int
    most: int
    seconds: dict[int, float | None]
    buys: int | None
    is_over: bool = False


@dataclass(frozen=True)
class Preview:
    """A plan with what else the command prints.

    `taken_over`: a line for each other sweep that has finished some of the trials, and one for trials that were ended
    early and now go on. `forecast`: None if no similar trial was measured. `other_code`: key of a finished trial -> how
    the code that made it differs. `replaced`: key of a trial -> how it differs from the trial of the same name that ran
    before. `until`: of a sweep that trains until its question is answered; then `plan` has the trials that are needed
    next, and `forecast` is of these. `fixed`: what a fixed design would take, if that was asked. `to_confirm`: how many
    trials a search takes to confirm what it names, which `forecast` has, too.
    """

    plan: Plan
    taken_over: list[str]
    forecast: RuntimeEstimate | None
    other_code: dict[str, str]
    replaced: dict[str, str]
    price_per_hour: float | None
    until: UntilPreview | None = None
    fixed: str = ""
    to_confirm: int = 0

    @property
    def cost(self) -> float | None:
        """In the unit of the price; None if the price or the time is unknown."""
        if self.forecast is None or self.price_per_hour is None:
            return None
        return self.forecast.seconds / 3600 * self.price_per_hour


@dataclass(frozen=True)
class PlanRequest:
    """The options of `orchestrate plan`. `workers`: None: one a processor. `pilot`: train a few steps to time them.

    `power`, `effect`: of a fixed design whose number of seeds is asked; None: not asked.
    """

    sweep: Sweep
    home: Path
    workers: int | None = None
    gpu_share: float | None = None
    price_per_hour: float | None = None
    pilot: bool = False
    power: float | None = None
    effect: float | None = None


def make_preview(request: PlanRequest, note: Callable[[str], None]) -> Preview:
    """Load the data, compare the sweep with its folder and estimate its time. Raises UserError."""
    plan, reused = with_reusable_records(make_plan(request.sweep, request.home))
    plan, going_on = with_ended_going_on(with_extended_records(plan))
    measured, gpus = list[TimedTrial](), environment.gpu_count()
    if request.pilot:
        from orchestrator.planning import pilot

        measured = pilot.time_groups(plan, request.home, note)
    measured += timed_trials(request.home, "cuda" if gpus else "cpu")
    queue, every_trial = queued_training.queue_of(plan), plan
    plan = queue.plan_so_far() if queue else plan
    workers = slots(request.workers or environment.available_cpus(), gpus, request.gpu_share or ASSUMED_GPU_SHARE)

    def estimate(trials: list[PlannedTrial]) -> RuntimeEstimate | None:
        return estimate_runtime(replace(plan, trials=trials, expected=[]), measured, max(1, workers))

    next_trials = queued_training.left_to_train(plan, queue)
    confirming = expected_confirmations(plan)
    expected = estimate([*next_trials, *confirming])
    until = None
    if isinstance(queue, AdaptiveQueue):
        until = _until_preview(next_trials, queue, every_trial, estimate)
    other_code = staleness.finished_with_other_code(plan, environment.describe())
    replaced = staleness.replaced_trials(plan)
    fixed = _fixed_design(every_trial, request.power, request.effect)
    lines = [*reused, *going_on]
    return Preview(plan, lines, expected, other_code, replaced, request.price_per_hour, until, fixed, len(confirming))


def _until_preview(
    next_trials: list[PlannedTrial],
    queue: AdaptiveQueue,
    every_trial: Plan,
    estimate: Callable[[list[PlannedTrial]], RuntimeEstimate | None],
) -> UntilPreview:
    """`next_trials`: those that are needed next, which are the fewest that are left."""
    if queue.is_over:
        return UntilPreview(0, 0, 0, {0: 0.0}, None, is_over=True)
    keys = {planned.key for planned in next_trials}
    later = [planned for planned in every_trial.unfinished if planned.key not in keys]
    later.sort(key=lambda p: (p.trial.configuration not in queue.analysis.wanted, p.trial.seed))
    in_order = [*next_trials, *later]
    least, most = len(next_trials), len(in_order)
    ended, in_all = len(every_trial.trials) - most, queue.expected_trials()
    expected = min(max(in_all - ended, least), most)
    estimates = {count: estimate(in_order[:count]) for count in (least, expected, most)}
    seconds = {count: each.seconds if each else None for count, each in estimates.items()}
    return UntilPreview(least, expected, most, seconds, queue.buys())


def _fixed_design(plan: Plan, power: float | None, effect: float | None) -> str:
    """What a fixed design takes, as a line; "" if that was not asked. Raises UserError if nothing is compared."""
    if power is None and effect is None:
        return ""
    power, effect = POWER if power is None else power, TYPICAL_CHANGE if effect is None else effect
    first = {planned.trial.configuration: planned for planned in plan.trials}
    comparisons = comparisons_to_test([as_planned(planned) for planned in first.values()], UntilAnswered(2, 2))
    if not comparisons:
        raise UserError(f"{plan.sweep.name} compares nothing: no two configurations differ in one setting alone")
    seeds = seeds_of_fixed_design(effect, power, comparisons)
    sweeps = f"{power:.0%} of sweeps ({count_of(len(comparisons), 'comparison')})"
    target = f"a change of stable runs by {100 * effect:.0f} points in {sweeps}"
    if seeds is None:
        return f"a fixed design would take more than {MAX_SEEDS} seeds to show {target}"
    return f"a fixed design would take {seeds} seeds, {seeds * len(first)} trials, to show {target}"


def as_json(preview: Preview) -> dict[str, Any]:
    """What `--json` prints: the user's own data; the rows of `status`, each with why it is `stale` or null; expected
    seconds and cost.
    """
    expected, reasons = preview.forecast, preview.replaced | preview.other_code
    rows = rows_of_plan(preview.plan)
    return {
        "sweep": preview.plan.sweep.name,
        "data": preview.plan.data_summaries(),
        "trials": [{**row, "stale": reasons.get(row["key"])} for row in rows],
        **({"to_choose": len(preview.plan.expected)} if preview.plan.explored else {}),
        **({"to_confirm": preview.to_confirm} if preview.to_confirm else {}),
        "expected_seconds": expected.seconds if expected else None,
        "expected_cost": preview.cost,
        **({"until": _until_json(preview.until)} if preview.until else {}),
        **({"fixed_design": preview.fixed} if preview.fixed else {}),
    }


def _until_json(until: UntilPreview) -> dict[str, Any]:
    numbers = {"least": until.least, "expected": until.expected, "most": until.most}
    return {name: {"trials": count, "seconds": until.seconds[count]} for name, count in numbers.items()}


def print_preview(preview: Preview, console: Console) -> None:
    rows = rows_of_plan(preview.plan)
    cells = [
        [
            short_key(planned.key),
            OTHER_CODE if planned.key in preview.other_code else row["status"],
            str(planned.remaining),
            planned.trial.name,
        ]
        for planned, row in zip(preview.plan.trials, rows, strict=True)
    ]
    print_table(console, [Column("key"), STATE, Column("steps left", right=True), Column("trial")], cells)
    for line in summary_lines(preview, rows):
        say(console, line)


def summary_lines(preview: Preview, rows: list[TrialRow]) -> list[str]:
    """What is printed below the table of these rows."""
    plan = preview.plan
    return [
        *data_lines(plan),
        *(sample_lines(plan.sweep.samples) if plan.explored is None else [explored_line(plan.explored)]),
        *(f"caution: {caution}" for caution in plan.sweep.cautions),
        *preview.taken_over,
        *_other_code_lines(preview.other_code),
        *staleness.changes_since_last_command(plan),
        *(f"note: {trial_label(row['key'], row['name'])}: {row['note']}" for row in rows if row["note"]),
        count_states(rows, len(plan.expected)),
        *_confirming_lines(preview.to_confirm),
        *_until_lines(preview),
        *([preview.fixed] if preview.fixed else []),
        *_expected_time(preview),
    ]


def _confirming_lines(count: int) -> list[str]:
    return [f"{count} more on fresh seeds confirm what the search names, if not --confirm 0"] if count else []


def _until_lines(preview: Preview) -> list[str]:
    """Least, expected and most of what is left of a sweep that trains until its question is answered."""
    until, answer = preview.until, preview.plan.answer
    if until is None or answer is None:
        return []
    if end := plan_end_line(preview.plan):
        return [end]
    numbers = {"at least": until.least, "about": until.expected, "at most": until.most}
    parts = []
    for name, count in numbers.items():
        seconds = until.seconds[count]
        time = "" if seconds is None else f" ({format_duration(seconds)}{_price_of(seconds, preview.price_per_hour)})"
        parts.append(f"{name} {count}{time}")
    looked = progress_line(answer, until.buys) if answer["seeds"] else f"first look after {answer['first']} seeds"
    return [looked, f"trials that are left until it is answered: {', '.join(parts)}"]


def _price_of(seconds: float, price_per_hour: float | None) -> str:
    return "" if price_per_hour is None else f", {_money(seconds / 3600 * price_per_hour)}"


def _other_code_lines(reasons: dict[str, str]) -> list[str]:
    counts = Counter(reasons.values())
    return [f"{count} {OTHER_CODE} and kept: {reason}" for reason, count in counts.items()]


def _expected_time(preview: Preview) -> list[str]:
    plan, expected = preview.plan, preview.forecast
    home, file, overrides = plan.folder.home, plan.sweep.file, plan.sweep.overrides
    sweep = sweep_command(file, overrides, home)
    if ended_with_nothing(plan):
        return []
    if not (plan.to_train or preview.to_confirm) or (preview.until and preview.until.is_over):
        return [f"nothing is left to train; {sweep} writes the report again"]
    if expected is None:
        pilot = sweep_command(file, overrides, home, "plan --pilot")
        return [
            "expected time unknown: nothing was measured on this kind of processor yet",
            f"next  {pilot} measures a few steps; {sweep} runs it",
        ]
    sources = ", ".join(f"{count} from {source}" for source, count in expected.sources.items())
    price = "" if preview.cost is None else f", {_money(preview.cost)} at {preview.price_per_hour:g} an hour"
    precision = "roughly" if expected.rough else "about"
    workers = count_of(expected.workers, "worker")
    trials = f" for the {count_of(preview.until.least, 'trial')} of the next look" if preview.until else ""
    time = f"{precision} {format_duration(expected.seconds)} of training on {workers}{trials}"
    return [
        f"expected: {time}{price} ({sources})",
        f"next  {sweep}",
    ]


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 0.01 or amount == 0 else "less than 0.01"
