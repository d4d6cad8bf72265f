"""What `orchestrate sweep` prints at its end."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from rich.console import Console

from gan_core.error_text import last_line
from orchestrator.command_hints import orchestrate_command
from orchestrator.commands.finalize import FinalResult
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.console.output import say
from orchestrator.formatting import trial_label
from orchestrator.planning.answer_words import BUDGET, ended_with_nothing, plan_end_line
from orchestrator.planning.plan import Plan
from orchestrator.signals import INTERRUPTED, SOME_FAILED
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import mirror_file
from orchestrator.tracking.address import default_uri, is_server, without_secrets
from orchestrator.tracking.client import runs_page


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended.

    `plan`: with the records as they are at the end. `stop_reason`: why the sweep stopped early; None if it did not, or
    if the user stopped it. `utilisation`: how busy the workers were, as a line; empty if nothing was trained.
    """

    plan: Plan
    exit_code: int
    final: FinalResult
    stop_reason: str | None = None
    utilisation: str = ""


def print_summary(options: SweepOptions, console: Console, result: SweepResult) -> None:
    """Print the answer, the failures, where the results are and how to go on."""
    for line in [*_results(result), *_result_lines(options, result), *_next_step_lines(options, result)]:
        say(console, line)


def _results(result: SweepResult) -> list[str]:
    lines = []
    if result.final.answer:
        lines.append(f"\n{result.plan.sweep.question}\n{result.final.answer}\n")
    if end := plan_end_line(result.plan):
        lines.append(end)
    for planned in result.plan.trials:
        if planned.record.status == TrialStatus.FAILED and planned.record.error:
            lines.append(f"failed: {trial_label(planned.key, planned.trial.name)}: {last_line(planned.record.error)}")
    if result.utilisation:
        lines.append(result.utilisation)
    return lines


def _result_lines(options: SweepOptions, result: SweepResult) -> list[str]:
    final, sweep_name, lines = result.final, result.plan.sweep.name, []
    if final.report:
        lines.append(f"report  {final.report}")
    if final.model:
        lines.append(f"model   {final.model.uri}, the generator of {final.model.trial}")
    if final.no_best:
        lines.append(f"no model: {final.no_best}, so no generator is the best")
    if final.model_error:
        lines.append(f"no model: {final.model_error}")
    if final.report_error:
        sync = orchestrate_command(f"sync {sweep_name}{tracking_option(options)}", options.home)
        lines.append(f"no report: {final.report_error}; {sync} sends what MLflow lacks and writes it")
    elif is_server(options.tracking_uri):
        address, experiment = without_secrets(options.tracking_uri), mirror_file.experiment_id(result.plan.folder)
        lines.append(f"MLflow  {runs_page(address, experiment)}")
    else:
        ui = orchestrate_command(f"ui{tracking_option(options)}", options.home)
        lines.append(f"MLflow  {ui}, then experiment {sweep_name}")
    return lines


def _next_step_lines(options: SweepOptions, result: SweepResult) -> list[str]:
    trials, lines = result.plan.trials, []
    if result.stop_reason:
        lines.append(f"stopped: {result.stop_reason}")
    if ended_with_nothing(result.plan) and result.exit_code == INTERRUPTED:
        return lines  # `plan_end_line` says how to go on
    if result.exit_code == INTERRUPTED:
        unfinished = sum(planned.record.status != TrialStatus.FINISHED for planned in trials)
        unfinished += len(result.plan.expected)
        report = orchestrate_command(f"report {result.plan.sweep.name}", options.home)
        lines.append(f"report  {report} writes it from what there is")
        lines.append(
            f"interrupted with {unfinished} of {result.plan.size} trials left; the same command goes on from here"
        )
    elif result.exit_code == SOME_FAILED and not result.stop_reason:
        is_spent = result.plan.answer is not None and result.plan.answer["end"] == BUDGET
        is_spent = is_spent and not any(planned.trial.confirms for planned in trials)
        larger = " with a larger budget" if is_spent else ""
        lines.append(f"some trials failed; the same command{larger} tries them again")
    return lines


def tracking_option(options: SweepOptions) -> str:
    """` --tracking-uri URI` if MLflow's store is not the default one of the home; otherwise empty."""
    if options.tracking_uri == default_uri(options.home):
        return ""
    return f" --tracking-uri {shlex.quote(without_secrets(options.tracking_uri))}"
