"""What Tune calls while it runs trials: its callback and its stopper, which pass everything on to `TrialMonitor`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray import tune

from orchestrator.scheduling.trial_monitor import TrialMonitor, _error_of, key_of
from orchestrator.signals import StopRequest
from orchestrator.trial.failure_policy import MAX_WORKERS_LOST, Cause, classify


class _NotKept:
    """Tune pickles its configuration so that it could restore it; we never do, so nothing of this is kept."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class TuneStopper(_NotKept, tune.Stopper):
    """`over`: whether this round is, though trials are left."""

    def __init__(self, stop: StopRequest, over: Callable[[], bool]):
        self.stop, self.over = stop, over

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.stop.asked or self.over()


class TuneCallback(_NotKept, tune.Callback):
    def __init__(self, happening: TrialMonitor):
        self.round = happening

    def on_trial_start(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.round.silence.heard(key_of(trial), time.monotonic())

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        self.round.heard(result["key"], result)
        trial.max_failures = MAX_WORKERS_LOST  # its worker has been set up after all

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.round.silence.forget(key_of(trial))

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        error = _error_of(trial)
        trial.config["task"]["lost"] = self.round.worker_lost(key_of(trial), error)
        if error and classify(error) in (
            Cause.EXCEPTION,
            Cause.CONFIGURATION,
        ):  # outside of `TrialExecution`: in the set-up
            trial.max_failures = trial.run_metadata.num_failures  # once more, and that is all

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.round.worker_lost_for_good(key_of(trial), _error_of(trial))

    def on_step_end(self, iteration: int, trials: Any, **info: Any) -> None:
        self.round.look_for_silence(trials)
