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
from orchestrator.console.style import COLOURS, METRIC_TITLES, format_metrics
from orchestrator.formatting import format_duration
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

SECONDS_BETWEEN_LINES = 15


@dataclass
class _RunningTrial:
    name: str
    steps: int
    step: int = 0
    verdict_so_far: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    note: str = ""


class Display:
    """Prints a line when a trial ends, and one about all running trials every SECONDS_BETWEEN_LINES."""

    def __init__(self, console: Console):
        self.console = console
        self.started_at = time.monotonic()
        self.phase_text = ""
        self.plan: Plan | None = None
        self.eta: Eta | None = None
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
        say(self.console, f"{text} ...", word_wrap=True)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        say(self.console, text, word_wrap=True)

    def start(self, plan: Plan, eta: Eta) -> None:
        """Begin to follow the trials of a plan."""
        self.plan, self.eta = plan, eta
        self._names = {p.key: p.trial.name for p in plan.unfinished}
        self._steps = {p.key: p.config.steps for p in plan.unfinished}
        self.ended_count = len(plan.trials) - len(plan.unfinished)
        for planned in plan.trials:
            if planned.state == TrialStatus.FINISHED and planned.record.verdict:
                self.outcome_counts[planned.record.verdict["name"]] += 1

    def on_report(self, report: TrialReport) -> None:
        """Show what a trial reported, or what happened to it."""
        assert self.eta
        if report.event is not None:
            self._show_event(report)
            return
        key = report.key
        trial = self.running.setdefault(key, _RunningTrial(self._names[key], self._steps[key]))
        trial.step, trial.metrics, trial.verdict_so_far = report.step, report.latest, report.verdict_so_far
        if report.note != trial.note:
            trial.note = report.note
            self.note(f"  {trial.name}: {trial.note}")
        self.eta.progress(key, trial.steps - trial.step, report.seconds)
        if report.is_done:
            self.eta.close(key)
            del self.running[key]
            self.ended_count += 1
            outcome = report.verdict or report.status
            self.outcome_counts[outcome] += 1
            self._show_end(trial, outcome)
        self._show_running()

    def _show_event(self, report: TrialReport) -> None:
        name = self._names[report.key]
        if report.event is TrialEvent.SILENT:
            timeout = f"after {format_duration(report.heartbeat_timeout)} its worker is killed"
            self.note(f"  nothing was heard of {name} for {format_duration(report.silent_seconds)}; {timeout}")
            return
        self.running.pop(report.key, None)
        if report.event is TrialEvent.GIVEN_UP:
            assert self.eta
            self.eta.close(report.key)
            self.ended_count += 1
            self.outcome_counts[TrialStatus.FAILED] += 1
            self.note(f"[{self.ended_count}/{self._total()}] {name}: failed, {report.error}")
        elif report.event is TrialEvent.WORKER_LOST:
            self.note(f"  lost the worker of {name}; it starts again from its checkpoint")
        elif report.event is TrialEvent.RETRIED:
            self.note(f"  {name}: {report.error}; it is tried again from its checkpoint")
        else:
            self.note(f"  {name} ran out of memory; it is tried again with fewer neighbours, after the others")

    def _show_end(self, trial: _RunningTrial, outcome: str) -> None:
        self.note(
            f"[{self.ended_count}/{self._total()}] {trial.name}: {outcome} at step {trial.step}; {self._time_left()}"
        )
        self._last_line_at = time.monotonic()

    def _show_running(self) -> None:
        if time.monotonic() - self._last_line_at > SECONDS_BETWEEN_LINES:
            self._last_line_at = time.monotonic()
            running = ", ".join(f"{t.name} {t.step}/{t.steps}" for t in self.running.values())
            self.note(f"  {self.ended_count}/{self._total()} done; running {running}; {self._time_left()}")

    def _total(self) -> int:
        return len(self.plan.trials) if self.plan else 0

    def _time_left(self) -> str:
        left = self.eta.seconds_left() if self.eta else math.inf
        return "estimating the time left" if math.isinf(left) else f"about {format_duration(left)} left"


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

    def _show_end(self, trial: _RunningTrial, outcome: str) -> None:
        line = Text(f"{trial.name}  ")
        line.append(outcome, style=COLOURS.get(outcome, ""))
        self.console.print(line)

    def _show_running(self) -> None:
        pass  # Live redraws by itself

    def render(self) -> RenderableType:
        if self.plan is None or self.eta is None:
            return Text(f"{self.phase_text} ... {format_duration(time.monotonic() - self.started_at)}")
        head = Table.grid(padding=(0, 2))
        total, left = max(1, self._total()), self.eta.seconds_left()
        elapsed = time.monotonic() - self.started_at
        has_ended = self.ended_count >= total
        completed = float(has_ended) if has_ended or math.isinf(left) else elapsed / (elapsed + left)
        counts = "  ".join(f"[{COLOURS.get(name, '')}]{n} {name}[/]" for name, n in self.outcome_counts.items())
        head.add_row(
            Text(self.plan.sweep.name, style="bold"),
            ProgressBar(total=1.0, completed=completed, width=28),
            f"{self.ended_count}/{total} trials",
            f"{format_duration(elapsed)} so far",
            self._time_left(),
        )
        parts: list[RenderableType] = [head]
        if counts:
            parts.append(Text.from_markup(counts))
        parts.append(self._table() if self.running else Text(f"{self.phase_text} ..."))
        return Group(*parts)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("running", "step", *METRIC_TITLES.values(), "so far"):
            table.add_column(title, justify="left" if title == "running" else "right", no_wrap=title != "running")
        for trial in self.running.values():
            verdict = Text(trial.verdict_so_far or "-", style=COLOURS.get(trial.verdict_so_far or "", ""))
            metrics = format_metrics(trial.metrics, missing="-")
            table.add_row(trial.name, f"{trial.step}/{trial.steps}", *metrics, verdict)
        return table


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
