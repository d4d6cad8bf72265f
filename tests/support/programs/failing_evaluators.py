"""Sweeps of one trial on a real Ray, whose evaluators make a worker fail: argv[1]/dying.yaml, unready.yaml,
crowded.yaml. A lost worker is replaced once here, so that not six of them have to be started.

Prints as JSON what was reported of each, and the processes of the workers that were asked for (`warm`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from gan_core.evaluation.evaluator import Evaluator
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.cluster.warm_workers import WarmWorkers
from orchestrator.commands.sweep_services import TRAINABLE
from orchestrator.planning.plan import make_plan
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest, children
from orchestrator.store.temp_folder import command_temp_folder
from orchestrator.store.trial_status import Cause
from orchestrator.sweepfile import loader
from orchestrator.trial import failure_policy
from orchestrator.trial.trial_report import TrialReport
from support.tiny import execution_of


class FromMissingPackage:
    """An evaluator of a package that is not installed where the workers are."""

    def __init__(self, evaluator: Evaluator) -> None:
        pass

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, ("a_package_of_another_node",)


class TooLarge:
    """A worker has no memory for it, unless it has two processors' share."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def __getattr__(self, name: str) -> Any:
        if name == "evaluator" or name.startswith("__"):
            raise AttributeError(name)
        import ray

        if max(ray.get_runtime_context().get_assigned_resources().values()) < 2:
            raise MemoryError("not in half of the memory")
        return getattr(self.evaluator, name)


class Deadly:
    """Ends the worker that asks it for anything."""

    def __init__(self, evaluator: Evaluator) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        print("no such instruction", file=sys.stderr, flush=True)
        os.abort()


KINDS = {"dying": Deadly, "unready": FromMissingPackage, "crowded": TooLarge}
SECONDS_TO_WAIT = 3.0
"""Longer than Ray lets processes wait whose processors are reserved, if nothing else is said."""


def main() -> None:
    folder, reports = Path(sys.argv[1]), {name: list[str]() for name in KINDS}
    failure_policy.POLICIES[Cause.LOST_WORKER] = failure_policy.Policy(failure_policy.Action.MOVE, max_retries=1)
    warm = WarmWorkers(1, TRAINABLE)
    with command_temp_folder() as scratch, Cluster(None, 2, scratch, 0, print, warm=warm) as cluster:
        waiting, deadline = list[int](), time.monotonic() + 60
        while not waiting and time.monotonic() < deadline:
            waiting = [child.pid for child in children() if child.name() == "ray::IDLE"]
        time.sleep(SECONDS_TO_WAIT)
        from orchestrator.scheduling import tune_run  # after Cluster: Ray reads its environment when it is imported

        for name, kind in KINDS.items():
            cluster.share_factor = 2 if name == "dying" else 1  # it reserves all processors
            plan = make_plan(loader.load(folder / f"{name}.yaml"), folder / "home")
            evaluators: Any = {p.evaluation: kind(execution_of(plan, p).evaluator) for p in plan.trials}

            def note(report: TrialReport, notes: list[str] = reports[name]) -> None:
                notes.append(report.event or report.status)

            tune_run.TuneRun(plan, evaluators, cluster, RunSettings(), 1.0, StopRequest(), note).run()
    print(json.dumps({**reports, "warm": waiting}))


if __name__ == "__main__":
    main()
