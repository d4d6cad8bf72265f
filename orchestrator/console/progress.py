"""What a sweep shows while it runs: a live table in a terminal, plain lines elsewhere."""

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
from orchestrator.console.style import COLOURS, SHOWN, shown_metrics
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

SECONDS_BETWEEN_LINES = 15


def duration(seconds: float) -> str:
    """75 -> '1 min 15 s'; infinity -> 'unknown'."""
    if math.isinf(seconds):
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@dataclass
class _Running:
    name: str
    steps: int
    step: int = 0
    so_far: str | None = None
    latest: dict[str, float] = field(default_factory=dict)
    note: str = ""


class Display:
    """Follows a sweep. This one writes a line when a trial ends, and every so often in between."""

    def __init__(self, console: Console):
        self.console = console
        self.began = time.monotonic()
        self.phase_text = ""
        self.plan: Plan | None = None
        self.clock: Eta | None = None
        self.running: dict[str, _Running] = {}
        self.outcomes: Counter[str] = Counter()
        self.ended = 0
        self._last_line = time.monotonic()

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def phase(self, text: str) -> None:
        """What is going on now: starting, stopping, writing."""
        self.phase_text = text
        say(self.console, f"{text} ...", word_wrap=True)

    def note(self, text: str) -> None:
        """Something to know."""
        say(self.console, text, word_wrap=True)

    def start(self, plan: Plan, clock: Eta) -> None:
        self.plan, self.clock = plan, clock
        self._names = {p.key: p.trial.name for p in plan.todo}
        self._steps = {p.key: p.config.steps for p in plan.todo}
        self.ended = len(plan.trials) - len(plan.todo)
        for planned in plan.trials:
            if planned.state == TrialStatus.FINISHED and planned.record.verdict:
                self.outcomes[planned.record.verdict["name"]] += 1

    def report(self, report: TrialReport) -> None:
        """A trial reported, or something happened to it."""
        assert self.clock
        if report.event is not None:
            self._show_event(report)
            return
        key = report.key
        trial = self.running.setdefault(key, _Running(self._names[key], self._steps[key]))
        trial.step, trial.latest, trial.so_far = report.step, report.latest, report.verdict_so_far
        if report.note != trial.note:
            trial.note = report.note
            self.note(f"  {trial.name}: {trial.note}")
        self.clock.progress(key, trial.steps - trial.step, report.seconds)
        if report.is_done:
            self.clock.close(key)
            del self.running[key]
            self.ended += 1
            outcome = report.verdict or report.status
            self.outcomes[outcome] += 1
            self._trial_ended(trial, outcome)
        self._refresh()

    def _show_event(self, report: TrialReport) -> None:
        name = self._names[report.key]
        if report.event is TrialEvent.SILENT:
            timeout = f"after {duration(report.heartbeat_timeout)} its worker is killed"
            self.note(f"  nothing was heard of {name} for {duration(report.silent_seconds)}; {timeout}")
            return
        self.running.pop(report.key, None)
        if report.event is TrialEvent.GIVEN_UP:
            assert self.clock
            self.clock.close(report.key)
            self.ended += 1
            self.outcomes[TrialStatus.FAILED] += 1
            self.note(f"[{self.ended}/{self._total()}] {name}: failed, {report.error}")
        elif report.event is TrialEvent.WORKER_LOST:
            self.note(f"  lost the worker of {name}; it starts again from its checkpoint")
        elif report.event is TrialEvent.RETRIED:
            self.note(f"  {name}: {report.error}; it is tried again from its checkpoint")
        else:
            self.note(f"  {name} ran out of memory; it is tried again with fewer neighbours, after the others")

    def _trial_ended(self, trial: _Running, outcome: str) -> None:
        self.note(f"[{self.ended}/{self._total()}] {trial.name}: {outcome} at step {trial.step}; {self._time_left()}")
        self._last_line = time.monotonic()

    def _refresh(self) -> None:
        if time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            now = ", ".join(f"{t.name} {t.step}/{t.steps}" for t in self.running.values())
            self.note(f"  {self.ended}/{self._total()} done; running {now}; {self._time_left()}")

    def _total(self) -> int:
        return len(self.plan.trials) if self.plan else 0

    def _time_left(self) -> str:
        left = self.clock.seconds_left() if self.clock else math.inf
        return "estimating the time left" if math.isinf(left) else f"about {duration(left)} left"


class LiveDisplay(Display):
    """A bar, the time left and a table of the running trials, redrawn in place."""

    def __enter__(self) -> Display:
        self._live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4, transient=True)
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def phase(self, text: str) -> None:
        self.phase_text = text

    def _trial_ended(self, trial: _Running, outcome: str) -> None:
        line = Text(f"{trial.name}  ")
        line.append(outcome, style=COLOURS.get(outcome, ""))
        self.console.print(line)

    def _refresh(self) -> None:
        pass  # Live redraws by itself

    def render(self) -> RenderableType:
        if self.plan is None or self.clock is None:
            return Text(f"{self.phase_text} ... {duration(time.monotonic() - self.began)}")
        head = Table.grid(padding=(0, 2))
        total, left = max(1, self._total()), self.clock.seconds_left()
        elapsed = time.monotonic() - self.began
        done = elapsed / (elapsed + left) if self.ended < total and not math.isinf(left) else float(self.ended == total)
        counts = "  ".join(f"[{COLOURS.get(name, '')}]{n} {name}[/]" for name, n in self.outcomes.items())
        head.add_row(
            Text(self.plan.sweep.name, style="bold"),
            ProgressBar(total=1.0, completed=done, width=28),
            f"{self.ended}/{total} trials",
            f"{duration(elapsed)} so far",
            self._time_left(),
        )
        parts: list[RenderableType] = [head]
        if counts:
            parts.append(Text.from_markup(counts))
        parts.append(self._table() if self.running else Text(f"{self.phase_text} ..."))
        return Group(*parts)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for title in ("running", "step", *SHOWN.values(), "so far"):
            table.add_column(title, justify="left" if title == "running" else "right", no_wrap=title != "running")
        for trial in self.running.values():
            so_far = Text(trial.so_far or "-", style=COLOURS.get(trial.so_far or "", ""))
            table.add_row(trial.name, f"{trial.step}/{trial.steps}", *shown_metrics(trial.latest, missing="-"), so_far)
        return table


class QuietDisplay(Display):
    """Says nothing: what matters stands in the summary at the end."""

    def phase(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def make_display(console: Console, quiet: bool = False) -> Display:
    """Live in a terminal, plain lines elsewhere."""
    if quiet:
        return QuietDisplay(console)
    return LiveDisplay(console) if console.is_terminal else Display(console)
