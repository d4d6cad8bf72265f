"""Ray Tune runs the trials: one class Trainable, whose actors go on from one trial to the next."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from gan_core.config import TrialConfig
from gan_core.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator
from orchestrator.cluster import Cluster
from orchestrator.execution import Execution
from orchestrator.plan import Plan
from orchestrator.store import TrialFolder

LOST_WORKERS = 3
"""How often a trial whose worker died is started again, from its checkpoint."""

Report = Callable[[str, dict[str, Any]], None]
"""Called with a trial's key and what it reported: step, status, verdict (and so far), metrics, seconds of training, a
note where something was damaged, and why the whole sweep has to halt."""


class TrialRunner(tune.Trainable):
    """Tune's view of an `Execution`: a second of training at a time. All durable state is in the trial's folder."""

    def setup(self, config: dict[str, Any], images: dict[str, ImageSet], evaluators: dict[str, Evaluator]) -> None:
        task = config["task"]
        trial = TrialConfig.model_validate(task["config"])
        folder, evaluator = TrialFolder(Path(task["folder"])), evaluators[task["evaluation"]]
        self.execution = Execution(folder, trial, images[task["fingerprint"]], evaluator, task["system_metrics"])
        self.begun = False

    def step(self) -> dict[str, Any]:
        if not self.begun:  # not in `setup`: Tune may yet give the trial to an actor that has just become free
            self.execution.begin()
            self.begun = True
        self.execution.advance(seconds=1.0)
        record = self.execution.record
        return {
            "key": self.execution.folder.key,
            "gan_step": self.execution.step,
            "status": record.status,
            "verdict": record.verdict and record.verdict["name"],
            "so_far": self.execution.so_far,
            "latest": dict(self.execution.latest),
            "seconds": self.execution.active_seconds(),
            "done": self.execution.done,
            "note": record.note,
            "halt": self.execution.halt,
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.execution.suspend()
        self.setup(new_config)  # type: ignore[call-arg]  # Tune has bound the rest
        return True

    def cleanup(self) -> None:
        self.execution.suspend()


class _NotKept:
    """Tune pickles its configuration so that it could restore it; we never do, so nothing of this is kept."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _StopWhen(_NotKept, tune.Stopper):
    """Ends the whole experiment once `event` is set."""

    def __init__(self, event: threading.Event):
        self.event = event

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.event.is_set()


class _Listener(_NotKept, tune.Callback):
    def __init__(self, report: Report):
        self.report = report

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        self.report(result["key"], result)

    def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.report(_key_of(trial), {"status": "lost"})

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.report(_key_of(trial), {"status": "given up"})


def _key_of(trial: Any) -> str:
    return Path(trial.config["task"]["folder"]).name


def run(
    plan: Plan,
    evaluators: dict[str, Evaluator],
    cluster: Cluster,
    gpu_share: float,
    stop: threading.Event,
    report: Report,
    system_metrics: bool = False,
) -> None:
    """Runs what is left of the plan, each trial where it left off, until all have ended or `stop` is set."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # what happens to a trial is said by `report`
    tasks = [
        {
            "folder": str(plan.folder.trial(planned.key).folder),
            "config": planned.config.model_dump(mode="json"),
            "fingerprint": planned.fingerprint,
            "evaluation": planned.evaluation,
            "system_metrics": system_metrics,
        }
        for planned in plan.todo
    ]
    resources = {"cpu": 1.0, "gpu": gpu_share} if cluster.gpus() else {"cpu": 1.0}
    tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialRunner, images=plan.images, evaluators=evaluators), resources),
        param_space={"task": tune.grid_search(tasks)},
        tune_config=tune.TuneConfig(reuse_actors=True, trial_name_creator=_key_of, trial_dirname_creator=_key_of),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(cluster.scratch),
            stop=_StopWhen(stop),
            verbose=0,
            callbacks=[_Listener(report)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=LOST_WORKERS),
        ),
    ).fit()
    if not stop.is_set():
        for planned in plan.todo:
            _give_up(plan.folder.trial(planned.key))


def _give_up(folder: TrialFolder) -> None:
    """Tune has started this trial for the last time; if its record still says running, its worker died."""
    record = folder.record()
    if record.status not in ("finished", "failed"):
        record.status, record.error = "failed", f"its worker died {LOST_WORKERS + 1} times"
        if record.attempts and record.attempts[-1]["outcome"] == "running":
            record.attempts[-1]["outcome"] = "lost"
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.write_record(record)
