"""What happens to trials while Tune runs them, and what `failures.POLICIES` wants done about it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray

from gan_core.error_text import last_line
from orchestrator.scheduling.heartbeat import Heartbeats
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.failure_policy import POLICIES, Action, Cause, classify
from orchestrator.trial.trial_event import TrialEvent

Report = Callable[[str, dict[str, Any]], None]
"""Called with a trial's key and what it reported: step, status, verdict (and so far), metrics, seconds of training, a
note where something was damaged, and why the whole sweep has to halt."""
SECONDS_BETWEEN_LOOKS = 1.0
"""For silent trials: not at each event, since each look is at all that run."""


@dataclass
class TrialMonitor:
    """What happened to trials, by key, since Tune was started.

    `roomier`: those that have fewer neighbours this time. `last_words`: Ray's message on a lost worker -> the end of
    what it wrote on stderr. `crowded`: what ran out of memory. `given_up`: what Tune does not start again: the cause,
    and all that is known of it.
    """

    settings: RunSettings
    stop: StopRequest
    report: Report
    last_words: Callable[[str], str]
    roomier: frozenset[str] = frozenset()
    crowded: set[str] = field(default_factory=set)
    given_up: dict[str, tuple[Cause, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.silence = Heartbeats(self.settings.patience)
        self._silenced: dict[str, str] = {}
        self._lost: Counter[str] = Counter()
        self._next_look = 0.0

    def heard(self, key: str, result: dict[str, Any]) -> None:
        if result["done"]:
            self.silence.forget(key)
        else:
            self.silence.heard(key, time.monotonic())
        if result["halt"]:
            self.stop.ask(result["halt"])
        if result["status"] == TrialStatus.FAILED:
            result = self._failed(key, Cause(result["cause"]), result)
        self.report(key, result)

    def _failed(self, key: str, cause: Cause, result: dict[str, Any]) -> dict[str, Any]:
        if POLICIES[cause].action is Action.RETRY_ROOMIER and key not in self.roomier:
            self.crowded.add(key)
            return result | {"status": TrialEvent.OUT_OF_MEMORY}
        self._stop_if_it_must(cause, result["error"], ended=True)
        return result

    def worker_lost(self, key: str, error: BaseException | None) -> str:
        """Tune starts the trial again; what is known of the end of its worker."""
        cause, said = self._on_loss(key, error)
        self._stop_if_it_must(cause, last_line(said), ended=False)
        status = TrialEvent.WORKER_LOST if cause is Cause.LOST_WORKER else TrialEvent.RETRIED
        self.report(key, {"status": status, "error": last_line(said)})
        return last_line(said)

    def worker_lost_for_good(self, key: str, error: BaseException | None) -> None:
        cause, said = self._on_loss(key, error)
        if cause is Cause.LOST_WORKER:
            short = f"its worker was lost {self._lost[key]} times, the last time: {last_line(said)}"
        else:
            short = f"its worker could not run it: {last_line(said)}"
        self.given_up[key] = cause, "\n".join(part for part in (self.last_words(str(error)), said, short) if part)
        self._stop_if_it_must(cause, short, ended=True)
        self.report(key, {"status": TrialEvent.GIVEN_UP, "error": short})

    def _on_loss(self, key: str, error: BaseException | None) -> tuple[Cause, str]:
        self.silence.forget(key)
        cause = classify(error) if error else Cause.LOST_WORKER
        self._lost[key] += cause is Cause.LOST_WORKER
        return cause, self._silenced.pop(key, None) or _said_by_ray(error)

    def _stop_if_it_must(self, cause: Cause, error: str, ended: bool) -> None:
        if POLICIES[cause].action is Action.STOP:
            self.stop.ask(f"{error}; make room, and the same command goes on from here")
        elif ended and self.settings.fail_fast:
            self.stop.ask("a trial failed, and --fail-fast was asked for; the same command tries it again", code=1)

    def look_for_silence(self, trials: list[Any]) -> None:
        """Tells of running trials that are silent, and kills the workers of those that are for too long."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        for key, seconds in self.silence.to_tell(now).items():
            self.report(key, {"status": TrialEvent.SILENT, "silent": seconds, "patience": self.silence.patience})
        silent = self.silence.to_kill(now)
        for trial in trials if silent else []:
            key, actor = key_of(trial), trial.temporary_state.ray_actor
            if key in silent and actor is not None:
                self._silenced[key] = f"nothing was heard of it for {silent[key]:.0f} s, so its worker was killed"
                ray.kill(actor)


def key_of(trial: Any) -> str:
    return Path(trial.config["task"]["folder"]).name


def _error_of(trial: Any) -> BaseException | None:
    """The error that Tune has just met. `get_pickled_error` looks where Tune's files are copied to only later."""
    if trial.pickled_error_file is None:
        return None
    error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error if isinstance(error, BaseException) else None


def _said_by_ray(error: BaseException | None) -> str:
    """Ray's words on the end of a worker; of those on its many possible reasons only the facts."""
    if error is None:
        return "its worker ended, and Ray does not say why"
    return str(error).split(" Some common causes include")[0]
