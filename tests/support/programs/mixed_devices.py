"""`--device any` on a Ray whose nodes say that they have GPUs: the sweep of argv[1]/tiny.yaml, with trials that only
wait until they are released. One JSON document at the end tells where each of them began."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ray
from ray import tune
from ray.cluster_utils import Cluster as RayCluster

from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.planning.plan import make_plan
from orchestrator.planning.runtime_estimate import unfinished_longest_first
from orchestrator.scheduling import tune_run
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trial_task import task_of
from orchestrator.signals import StopRequest
from orchestrator.store.temp_folder import command_temp_folder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

FOLDER = Path(sys.argv[1])
STARTS = FOLDER / "starts"


@dataclass(frozen=True)
class Start:
    """A trial that began in a worker: on which node, with what resources, and how many GPUs it was given."""

    key: str
    node: str
    resources: dict[str, float]
    gpus: int


class WaitingTrainable(tune.Trainable):
    """In the place of `TrialTrainable`: writes down where it began, and runs until its trial is released."""

    def setup(self, config: dict[str, Any], images: object = None, evaluators: object = None) -> None:
        self.task, self.has_begun = task_of(config), False

    def step(self) -> dict[str, Any]:
        if not self.has_begun:
            node = ray.get_runtime_context().get_node_id()
            start = Start(self.task.key, node, self.task.resources, len(ray.get_gpu_ids()))
            with open(STARTS, "a") as file:
                file.write(json.dumps(asdict(start)) + "\n")
            self.has_begun = True
        time.sleep(0.05)
        done = (FOLDER / f"{self.task.key}.end").exists()
        status = TrialStatus.FINISHED if done else TrialStatus.RUNNING
        return {"report": TrialReport(self.task.key, status, is_done=done), "done": done}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True


def wait_for_starts(count: int, lost: list[str]) -> list[Start]:
    deadline = time.monotonic() + 240
    while len(lines := STARTS.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, (lost, lines)
        time.sleep(0.1)
    return [Start(**json.loads(line)) for line in lines]


def release(*keys: str) -> None:
    for key in keys:
        (FOLDER / f"{key}.end").touch()


def main() -> None:
    plan = make_plan(loader.load(FOLDER / "tiny.yaml"), FOLDER / "home")
    lost: list[str] = []
    STARTS.touch()

    def note_lost(report: TrialReport) -> None:
        if report.event == TrialEvent.WORKER_LOST:
            lost.append(report.key)

    with command_temp_folder() as scratch:
        nodes = RayCluster()
        try:
            nodes.add_node(num_cpus=0)
            gpu_node = nodes.add_node(num_cpus=2, num_gpus=2)
            cpu_node = nodes.add_node(num_cpus=1)
            with (
                Cluster(nodes.address, 1, scratch, 0, print, "any") as cluster,
                patch.object(tune_run, "TrialTrainable", WaitingTrainable),
            ):
                without_data = replace(plan, data={})  # no torch in the workers
                run = tune_run.TuneRun(without_data, {}, cluster, RunSettings(), 1.0, StopRequest(), note_lost)
                running = threading.Thread(target=run.run, daemon=True)
                running.start()

                # Nodes are started by the main thread, which alone may
                first = wait_for_starts(3, lost)
                nodes.remove_node(gpu_node, allow_graceful=False)
                while len(lost) < 2:
                    time.sleep(0.1)
                release(*[start.key for start in first if start.node == cpu_node.node_id])
                release(wait_for_starts(4, lost)[3].key)
                wait_for_starts(5, lost)
                nodes.add_node(num_cpus=1, num_gpus=1)
                wait_for_starts(6, lost)
                release(*[planned.key for planned in plan.trials])
                running.join()
        finally:
            nodes.shutdown()
    starts = [asdict(start) for start in wait_for_starts(6, lost)]
    order = [planned.key for planned in unfinished_longest_first(plan)]
    print(json.dumps({"starts": starts, "lost": lost, "order": order, "nodes": [gpu_node.node_id, cpu_node.node_id]}))


if __name__ == "__main__":
    main()
