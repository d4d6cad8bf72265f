"""GPUs and processors side by side on a real Ray, whose nodes say that they have GPUs; nothing is trained on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.tiny import TINY

from orchestrator.store.sweep_folder import SweepFolder

BEGIN = """
import json, sys, threading, time
from dataclasses import replace
from pathlib import Path
from support.tiny import execution_of
from orchestrator.sweepfile import loader
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.planning.plan import make_plan
from orchestrator.store.temp_folder import scratch_folder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_report import TrialReport

folder = Path(sys.argv[1])
plan = make_plan(loader.load(folder / "tiny.yaml"), folder / "home")
"""

NODES = (
    BEGIN
    + """
import ray
from ray import tune
from ray.cluster_utils import Cluster as Machines

class Idle(tune.Trainable):  # until it is let go
    def setup(self, config, images, evaluators):
        self.task, self.begun = config["task"], False
        self.key = self.task.key
    def step(self):
        if not self.begun:
            told = {"key": self.key, "node": ray.get_runtime_context().get_node_id()}
            told |= {"asked": self.task.resources, "gpus": len(ray.get_gpu_ids())}
            with open(folder / "begun", "a") as file:
                file.write(json.dumps(told) + "\\n")
            self.begun = True
        time.sleep(0.05)
        done = (folder / f"{self.key}.end").exists()
        status = TrialStatus.FINISHED if done else TrialStatus.RUNNING
        return {"report": TrialReport(self.key, status, is_done=done), "done": done}
    def reset_config(self, new_config):
        self.setup(new_config)
        return True

def begun(count):  # waits until so many workers have begun with a trial
    deadline = time.monotonic() + 240
    while len(lines := (folder / "begun").read_text().splitlines()) < count:
        assert time.monotonic() < deadline, (lost, lines)
        time.sleep(0.1)
    return [json.loads(line) for line in lines]

def let_go(*told):
    for one in told:
        (folder / f"{one['key']}.end").touch()

def act():  # by the main thread, which alone may start nodes
    first = begun(3)
    machines.remove_node(both, allow_graceful=False)
    while len(lost) < 2:
        time.sleep(0.1)
    let_go(*[one for one in first if one["node"] == plain.node_id])
    let_go(begun(4)[3])
    begun(5)
    machines.add_node(num_cpus=1, num_gpus=1)
    begun(6)
    for planned in plan.trials:
        let_go({"key": planned.key})

lost = []
tell = lambda report: lost.append(report.key) if report.event == "lost" else None
(folder / "begun").touch()
with scratch_folder() as scratch:
    machines = Machines()
    try:
        machines.add_node(num_cpus=0)
        both = machines.add_node(num_cpus=2, num_gpus=2)
        plain = machines.add_node(num_cpus=1)
        with Cluster(machines.address, 1, scratch, 0, print, "any") as cluster:
            from orchestrator.scheduling import tune_run
            tune_run.TrialTrainable = Idle
            what = replace(plan, data={}), {}, cluster, RunSettings(), 1.0, StopRequest(), tell  # no torch
            running = threading.Thread(target=tune_run.TuneRun(*what).run, daemon=True)
            running.start()
            act()
            running.join()
    finally:
        machines.shutdown()
order = [planned.key for planned in tune_run.longest_first(plan)]
print(json.dumps({"begun": begun(6), "lost": lost, "order": order, "nodes": [both.node_id, plain.node_id]}))
"""
)

GHOST = (
    BEGIN
    + """
with scratch_folder() as scratch, Cluster(None, 1, scratch, 0, print, "any") as cluster:
    from orchestrator.scheduling import tune_run
    real, real_places, looks, rounds = cluster.nodes, tune_run.PlacementPool, [], []
    def nodes():  # with one that has died when the trial's worker should begin there
        looks.append(None)
        return real() | ({"0" * 56: {"CPU": 1, "GPU": 1}} if len(looks) < 3 else {})
    cluster.nodes = nodes
    tune_run.PlacementPool = lambda *what: rounds.append(None) or real_places(*what)
    evaluators = {p.evaluation: execution_of(plan, p).evaluator for p in plan.trials}
    tune_run.TuneRun(plan, evaluators, cluster, RunSettings(), 1.0, StopRequest(), lambda report: None).run()
print(json.dumps(len(rounds)))
"""
)


def run(program: str, folder: Path, **changes: str) -> Any:
    """What the program tells at its end."""
    text = TINY
    for old, new in changes.values():
        text = text.replace(old, new)
    (folder / "tiny.yaml").write_text(text)
    path = ":".join(sys.path)
    soon = {"period_ms": "500", "timeout_ms": "1000", "failure_threshold": "2"}  # a dead node is noticed in seconds
    settings = {f"RAY_health_check_{name}": value for name, value in soon.items()} | {
        "PYTHONPATH": path,
        "RAY_AUTH_MODE": "disabled",
    }
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A sweep of 8 trials on two GPUs and a processor, until the GPUs' node dies; later another with a GPU joins."""
    found = run(NODES, tmp_path_factory.mktemp("nodes"), seeds=("[0, 1]", "[0, 1, 2, 3]"))
    assert isinstance(found, dict)
    return found


def test_gpus_and_processors_are_filled_at_once_and_the_longest_trials_get_the_gpus(ran: dict[str, Any]) -> None:
    both, plain = ran["nodes"]
    first = {one["key"]: one for one in ran["begun"][:3]}
    assert set(first) == set(ran["order"][:3])
    for key in ran["order"][:2]:
        assert (first[key]["node"], first[key]["gpus"]) == (both, 1)
    assert (first[ran["order"][2]]["node"], first[ran["order"][2]]["gpus"]) == (plain, 0)


def test_trials_of_a_dead_node_with_gpus_go_on_first_on_the_processor_that_is_left(ran: dict[str, Any]) -> None:
    plain = ran["nodes"][1]
    assert set(ran["lost"]) == set(ran["order"][:2])
    again = ran["begun"][3:5]
    assert {one["key"] for one in again} == set(ran["lost"])
    assert [(one["node"], one["asked"]) for one in again] == [(plain, {"CPU": 1.0})] * 2


def test_a_gpu_of_a_node_that_joins_is_used(ran: dict[str, Any]) -> None:
    joined = ran["begun"][5]
    assert joined["node"] not in ran["nodes"]
    assert (joined["key"], joined["gpus"]) == (ran["order"][3], 1)


def test_a_trial_whose_node_dies_before_its_worker_begins_goes_elsewhere(tmp_path: Path) -> None:
    assert run(GHOST, tmp_path, seeds=("[0, 1]", "[0]")) == 2
    files = list(tmp_path.glob("home/sweeps/tiny/trials/*/record.json"))
    records = [SweepFolder(tmp_path / "home", "tiny").trial(file.parent.name).record() for file in files]
    assert [record.status for record in records] == ["finished", "finished"]
