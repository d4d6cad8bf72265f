"""The progress of a running sweep: a live table in a terminal, plain lines in a file or a pipe."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.console.output import say
from orchestrator.console.style import COLOURS, METRIC_COLUMNS, STATE, format_metrics
from orchestrator.console.table import Column, table_lines
from orchestrator.formatting import format_duration, short_key, trial_label
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

SECONDS_BETWEEN_LINES = 15
BAR_WIDTH = 20
"""Characters of the progress bar."""


@dataclass
class _RunningTrial:
    key: str
    name: str
    steps: int
    step: int = 0
    verdict_so_far: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def label(self) -> str:
        """How messages call it."""
        return trial_label(self.key, self.name)


class Display:
    """Prints a line when a trial ends, and one about all running trials every SECONDS_BETWEEN_LINES."""

    def __init__(self, console: Console):
        self.console = console
        self.started_at = time.monotonic()
        self.phase_text = ""
        self.plan: Plan | None = None
        self.eta: Eta | None = None
        self.limit = ""
        self.running: dict[str, _RunningTrial] = {}
        self.outcome_counts: Counter[str] = Counter()
        self.ended_count = 0
        self._last_line_at = time.monotonic()

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def set_phase(self, text: str) -> None:
        """Show what the command does now: starting, stopping, writing."""
        self.phase_text = text
        say(self.console, f"{text} ...")

    def note(self, text: str) -> None:
        """Print a line that stays."""
        say(self.console, text)

    def start(self, plan: Plan, eta: Eta, limit: str = "") -> None:
        """Begin to follow the trials of a plan. `limit`: `at most `, if perhaps not all of them are needed."""
        self.plan, self.eta, self.limit = plan, eta, limit
        self._names = {p.key: p.trial.name for p in plan.unfinished}
        self._steps = {p.key: p.config.steps for p in plan.unfinished}
        self.ended_count = len(plan.trials) - len(plan.unfinished)
        failed = self.outcome_counts[TrialStatus.FAILED]  # no plan has these; the rest is counted again
        self.outcome_counts = +Counter({str(TrialStatus.FAILED): failed})
        for planned in plan.trials:
            self._count_finished(planned)

    def _count_finished(self, planned: PlannedTrial) -> None:
        if planned.state == TrialStatus.FINISHED and planned.record.verdict:
            self.outcome_counts[planned.record.verdict["name"]] += 1

    def add(self, planned: PlannedTrial) -> None:
        """Follow a trial that was chosen, in the place of one that was expected."""
        assert self.eta
        self.eta.replace_expected(planned)
        self._names[planned.key], self._steps[planned.key] = planned.trial.name, planned.config.steps
        self.ended_count += planned.state == TrialStatus.FINISHED
        self._count_finished(planned)

    def on_report(self, report: TrialReport) -> None:
        """Show what a trial reported, or what happened to it."""
        assert self.eta
        if report.event is not None:
            self._show_event(report)
            return
        key = report.key
        trial = self.running.setdefault(key, _RunningTrial(key, self._names[key], self._steps[key]))
        trial.step, trial.metrics, trial.verdict_so_far = report.step, report.latest, report.verdict_so_far
        if report.note != trial.note:
            trial.note = report.note
            self.note(f"  {trial.label}: {trial.note}")
        self.eta.progress(key, trial.steps - trial.step, report.seconds)
        if report.is_done:
            self.eta.close(key)
            del self.running[key]
            self.ended_count += 1
            outcome = report.verdict or report.status
            self.outcome_counts[outcome] += 1
            how = ", ended early" if report.ended_early else ", stopped by the schedule" if report.stopped else ""
            self._show_end(trial, outcome, how)
        self._show_running()

    def _show_event(self, report: TrialReport) -> None:
        name = trial_label(report.key, self._names[report.key])
        if report.event is TrialEvent.SILENT:
            timeout = f"after {format_duration(report.heartbeat_timeout)} its worker is killed"
            self.note(f"  no report from {name} for {format_duration(report.silent_seconds)}; {timeout}")
            return
        self.running.pop(report.key, None)
        if report.event is TrialEvent.GIVEN_UP:
            assert self.eta
            self.eta.close(report.key)
            self.ended_count += 1
            self.outcome_counts[TrialStatus.FAILED] += 1
            self.note(f"{name}: failed, {report.error} ({self._ended()})")
        elif report.event is TrialEvent.KILLED_FOR_MEMORY:
            trials = "one trial runs" if report.side_by_side == 1 else f"{report.side_by_side} trials run"
            self.note(f"  memory ran out, so the system killed the worker of {name}; from now on {trials} at a time")
        elif report.event is TrialEvent.WORKER_LOST:
            self.note(f"  lost the worker of {name}; it starts again from its checkpoint")
        elif report.event is TrialEvent.RETRIED:
            self.note(f"  {name}: {report.error}; it is tried again from its checkpoint")
        else:
            again = "it is tried again after the others, with fewer trials beside it on the device"
            self.note(f"  {name} ran out of memory; {again}")

    def _show_end(self, trial: _RunningTrial, outcome: str, remark: str) -> None:
        self.note(f"{trial.label}: {outcome}{remark} at step {trial.step} ({self._ended()}; {self._time_left()})")
        self._last_line_at = time.monotonic()

    def _show_running(self) -> None:
        if time.monotonic() - self._last_line_at > SECONDS_BETWEEN_LINES:
            self._last_line_at = time.monotonic()
            running = ", ".join(f"{short_key(t.key)} {t.step}/{t.steps}" for t in self.running.values())
            self.note(f"  {self._ended()}; running {running}; {self._time_left()}")

    def _ended(self) -> str:
        return f"{self.ended_count} of {self.limit}{self._total()} ended"

    def _total(self) -> int:
        return self.plan.size if self.plan else 0

    def _time_left(self) -> str:
        left = self.eta.seconds_left() if self.eta else math.inf
        return (
            "estimating the time left" if math.isinf(left) else f"{self.limit or 'about '}{format_duration(left)} left"
        )


class LiveDisplay(Display):
    """Redraws a progress bar, the time left and a table of the running trials in place."""

    def __enter__(self) -> Display:
        self._live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4, transient=True)
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def set_phase(self, text: str) -> None:
        self.phase_text = text

    def _show_end(self, trial: _RunningTrial, outcome: str, remark: str) -> None:
        line = Text(f"{trial.label}  ")
        line.append(outcome, style=COLOURS.get(outcome, ""))
        line.append(remark)
        self.console.print(line)

    def _show_running(self) -> None:
        pass  # Live redraws by itself

    def render(self) -> RenderableType:
        if self.plan is None or self.eta is None:
            return Text(f"{self.phase_text} ... {format_duration(time.monotonic() - self.started_at)}")
        elapsed = time.monotonic() - self.started_at
        parts: list[RenderableType] = [
            Text(self.plan.sweep.name, style="bold"),
            self._bar(f"{self._ended()}, {format_duration(elapsed)} so far, {self._time_left()}"),
        ]
        if self.outcome_counts:
            outcomes = ((f"{count} {name}", COLOURS.get(name, "")) for name, count in self.outcome_counts.items())
            parts.append(Text("  ").join(Text(text, style=style) for text, style in outcomes))
        parts += self._running_lines() if self.running else [Text(f"{self.phase_text} ...")]
        return Group(*parts)

    def _bar(self, text: str) -> RenderableType:
        """The share of this command's training that is done, and a text beside it."""
        done = self.eta.share_done() if self.eta and self.ended_count < self._total() else 1.0
        if self.console.width < BAR_WIDTH + 2 + len(text):
            return Text(f"{done:.0%}  {text}")
        line = Table.grid(padding=(0, 2))
        line.add_row(ProgressBar(total=1.0, completed=done, width=BAR_WIDTH), Text(text))
        return line

    def _running_lines(self) -> list[Text]:
        columns = [Column("key"), Column("so far", colours=STATE.colours), Column("step", right=True)]
        cells = [
            [
                short_key(trial.key),
                trial.verdict_so_far or "-",
                f"{trial.step}/{trial.steps}",
                *format_metrics(trial.metrics, missing="-"),
                trial.name,
            ]
            for trial in self.running.values()
        ]
        return table_lines([*columns, *METRIC_COLUMNS.values(), Column("running")], cells, self.console.width)


class QuietDisplay(Display):
    """Prints nothing; the summary comes at the end."""

    def set_phase(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def make_display(console: Console, quiet: bool = False) -> Display:
    """The display for a console: live in a terminal, otherwise plain lines."""
    if quiet:
        return QuietDisplay(console)
    return LiveDisplay(console) if console.is_terminal else Display(console)
