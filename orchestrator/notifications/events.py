"""What there is to tell of a sweep, as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gan_core.verdict.names import VerdictName
from orchestrator.formatting import count_of
from orchestrator.signals import INTERRUPTED, SOME_FAILED
from orchestrator.store.trial_status import TrialStatus

DIVERGED_SHARE = 0.5
"""This share of the trials that have ended is worth a word while the others run: the settings may be wrong."""
MIN_ENDED = 4
"""Before so many have ended, a share says nothing."""


@dataclass(frozen=True)
class Event:
    title: str
    text: str


def ended(
    sweep: str, exit_code: int, outcomes: Mapping[str, int], reason: str | None, answer: str, report: Path | None
) -> Event:
    """How a sweep ended. outcomes: verdict or status -> number of trials. reason: why it ended early, if it did."""
    what = "finished"
    if exit_code == INTERRUPTED:
        what = f"stopped: {reason}" if reason else "interrupted"
    elif exit_code == SOME_FAILED:
        what = f"ended, and {count_of(outcomes.get(TrialStatus.FAILED, 0), 'trial')} failed"
    elif reason:
        what = reason
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    goes_on = "the same command goes on" if exit_code else ""
    return Event(f"{sweep}: {what}", "\n".join(filter(None, [counts, answer, goes_on, str(report or "")])))


def broke_off(sweep: str, error: str) -> Event:
    return Event(f"{sweep}: ended with an error", f"{error}\nthe same command goes on from the last checkpoints")


class DivergenceWatch:
    """Tells once when many of the trials that have ended diverged."""

    def __init__(self, sweep: str):
        self.sweep = sweep
        self._has_told = False

    def event(self, outcomes: Counter[str]) -> Event | None:
        diverged, total = outcomes[VerdictName.DIVERGED], outcomes.total()
        if self._has_told or total < MIN_ENDED or diverged < DIVERGED_SHARE * total:
            return None
        self._has_told = True
        text = "the sweep goes on; `orchestrate logs` shows how a trial went"
        return Event(f"{self.sweep}: {diverged} of {total} trials that have ended diverged", text)
