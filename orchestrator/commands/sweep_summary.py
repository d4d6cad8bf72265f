"""What `orchestrate sweep` prints at its end."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from gan_core.error_text import last_line
from orchestrator.command_hints import command
from orchestrator.commands import finalize
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.console.output import say
from orchestrator.planning.plan import Plan
from orchestrator.signals import INTERRUPTED, SOME_FAILED
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.address import default_uri, without_secrets


@dataclass(frozen=True)
class SweepOutcome:
    """`plan`: with the records as they are at the end."""

    plan: Plan
    code: int
    end: finalize.Conclusion
    stopped: str | None = None
    busy: str = ""


def print_summary(options: SweepOptions, console: Console, outcome: SweepOutcome) -> None:
    plan = outcome.plan
    end = outcome.end
    if end.answer:
        say(console, f"\n{plan.sweep.question}\n{end.answer}\n")
    for planned in plan.trials:
        if planned.record.status == TrialStatus.FAILED and planned.record.error:
            say(console, f"failed: {planned.trial.name}: {last_line(planned.record.error)}")
    if outcome.busy:
        say(console, outcome.busy)
    if end.report:
        say(console, f"report  {end.report}")
    if end.model:
        say(console, f"model   {end.model.uri}, the generator of {end.model.trial}")
    if end.model_trouble:
        say(console, f"no model: {end.model_trouble}")
    if end.trouble:
        sync = command(f"sync {plan.sweep.name}{tracking_option(options)}", options.home)
        say(console, f"no report: {end.trouble}; {sync} sends what MLflow lacks and writes it")
    elif options.tracking_uri.startswith("http"):
        say(console, f"MLflow  {without_secrets(options.tracking_uri)}, experiment {plan.sweep.name}")
    else:
        say(
            console,
            f"MLflow  {command(f'ui{tracking_option(options)}', options.home)}, then experiment {plan.sweep.name}",
        )
    if outcome.stopped:
        say(console, f"stopped: {outcome.stopped}")
    if outcome.code == INTERRUPTED:
        left = sum(planned.record.status != TrialStatus.FINISHED for planned in plan.trials)
        say(console, f"report  {command(f'report {plan.sweep.name}', options.home)} writes it from what there is")
        say(console, f"interrupted with {left} of {len(plan.trials)} trials left; the same command goes on from here")
    elif outcome.code == SOME_FAILED and not outcome.stopped:
        say(console, "some trials failed; the same command tries them again")


def tracking_option(options: SweepOptions) -> str:
    """`--tracking-uri` where MLflow is not where it would be looked for."""
    if options.tracking_uri == default_uri(options.home):
        return ""
    return f" --tracking-uri {without_secrets(options.tracking_uri)}"
