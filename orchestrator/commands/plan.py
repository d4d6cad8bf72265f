"""`orchestrate plan`: what would run, what is there already, what is stale and why, and how long it will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrator import environment
from orchestrator.cluster.ray_runtime import slots
from orchestrator.command_hints import sweep_command
from orchestrator.commands.trial_rows import rows_of_plan
from orchestrator.console.progress import duration
from orchestrator.errors import escape_control_characters
from orchestrator.planning import staleness
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.runtime_estimate import Forecast, Measured, forecast, measured_in
from orchestrator.scheduling.sweep_runner import ASSUMED_GPU_SHARE
from orchestrator.sweepfile import loader


@dataclass(frozen=True)
class Outlook:
    """A plan with what else is known of it. `other_code`, `replaced`: a trial's key -> the reason."""

    plan: Plan
    file: Path
    forecast: Forecast | None
    other_code: dict[str, str]
    replaced: dict[str, str]
    price_per_hour: float | None

    @property
    def cost(self) -> float | None:
        """In the unit of the price; None if the price or the time is not known."""
        if self.forecast is None or self.price_per_hour is None:
            return None
        return self.forecast.seconds / 3600 * self.price_per_hour


@dataclass(frozen=True)
class Request:
    """The command's options. `workers`: None for one a processor. `pilot`: whether to time a few steps first."""

    file: Path
    overrides: list[str]
    home: Path
    workers: int | None
    gpu_share: float | None
    price_per_hour: float | None
    pilot: bool


def look_ahead(request: Request, note: Callable[[str], None]) -> Outlook:
    """Everything that the command says. Raises UserError."""
    plan = make_plan(loader.load(request.file, request.overrides), request.home)
    measured, gpus = list[Measured](), environment.gpu_count()
    if request.pilot:
        from orchestrator.planning import pilot

        measured = pilot.run(plan, request.home, note)
    measured += measured_in(request.home, "cuda" if gpus else "cpu")
    workers = slots(request.workers or environment.available_cpus(), gpus, request.gpu_share or ASSUMED_GPU_SHARE)
    expected = forecast(plan, measured, max(1, workers))
    other = staleness.finished_with_other_code(plan, environment.describe())
    return Outlook(plan, request.file, expected, other, staleness.replaced(plan), request.price_per_hour)


def as_json(outlook: Outlook) -> dict[str, Any]:
    """For programs: the trials as `status` has them, with why they are `stale` or null; expected seconds, cost."""
    expected, reasons = outlook.forecast, outlook.replaced | outlook.other_code
    rows = rows_of_plan(outlook.plan)
    return {
        "sweep": outlook.plan.sweep.name,
        "trials": [{**row, "stale": reasons.get(row["key"])} for row in rows],
        "expected_seconds": expected.seconds if expected else None,
        "expected_cost": outlook.cost,
    }


def print_outlook(outlook: Outlook, console: Console) -> None:
    console.file.write("\n".join([*trial_lines(outlook), *lines(outlook), ""]))


def trial_lines(outlook: Outlook) -> list[str]:
    """A line a trial, the name last, as it may be long. As a table of rich's ten thousand would take seconds."""
    rows = [("no.", "key", "state", "steps left", "trial")]
    for number, planned in enumerate(outlook.plan.trials, start=1):
        state = "finished with other code" if planned.key in outlook.other_code else planned.state
        rows.append(
            (str(number), planned.key, state, str(planned.remaining), escape_control_characters(planned.trial.name))
        )
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{number:>{wide[0]}}  {key:<{wide[1]}}  {state:<{wide[2]}}  {left:>{wide[3]}}  {name}"
        for number, key, state, left, name in rows
    ]


def lines(outlook: Outlook) -> list[str]:
    """What stands below the table."""
    plan = outlook.plan
    counts = ", ".join(f"{n} {state}" for state, n in plan.counts().items())
    return [
        *(f"caution: {caution}" for caution in plan.sweep.cautions),
        *_grouped("finished with other code and kept", outlook.other_code),
        *_grouped("other than the trial of this name that ran before, which is kept", outlook.replaced),
        *(f"note: {row['name']}: {row['note']}" for row in rows_of_plan(plan, only_begun=True) if row["note"]),
        f"{len(plan.trials)} trials: {counts}",
        *_expectation(outlook),
    ]


def _grouped(what: str, reasons: dict[str, str]) -> list[str]:
    return [f"{count} {what}: {reason}" for reason, count in Counter(reasons.values()).items()]


def _expectation(outlook: Outlook) -> list[str]:
    plan, expected = outlook.plan, outlook.forecast
    home, asked = plan.folder.home, plan.sweep.overrides
    sweep = sweep_command(outlook.file, asked, home)
    if not plan.todo:
        return [f"nothing is left to train; {sweep} writes the report again"]
    if expected is None:
        return [
            "expected time unknown: nothing was measured on this kind of processor yet",
            f"next  {sweep_command(outlook.file, asked, home, 'plan --pilot')} measures a few steps; {sweep} runs it",
        ]
    sources = ", ".join(f"{count} from {source}" for source, count in expected.sources.items())
    price = "" if outlook.cost is None else f", {_money(outlook.cost)} at {outlook.price_per_hour:g} an hour"
    how = "roughly" if expected.rough else "about"
    workers = f"{expected.workers} worker" + "s" * (expected.workers != 1)
    return [
        f"expected: {how} {duration(expected.seconds)} of training on {workers}{price} ({sources})",
        f"next  {sweep}",
    ]


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 0.01 or amount == 0 else "less than 0.01"
