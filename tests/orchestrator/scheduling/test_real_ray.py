"""Trials that fail on a real Ray, in ways that a whole sweep cannot be made to fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny import TINY

from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder

Ran = tuple[Path, dict[str, list[str]]]

PROGRAM = """
import json, sys
from pathlib import Path
from support.tiny import execution_of
from orchestrator.sweepfile import loader
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.planning.plan import make_plan
from orchestrator.store.temp_folder import scratch_folder

class FromAPackage:  # that is not there where the workers are
    def __init__(self, real):
        pass
    def __reduce__(self):
        return __import__, ("a_package_of_another_node",)

class Large:  # an evaluator that a worker has no memory for, unless it has two processors' share of it
    def __init__(self, real):
        self.real = real
    def __getattr__(self, name):
        if name == "real" or name.startswith("__"):
            raise AttributeError(name)
        import ray
        if max(ray.get_runtime_context().get_assigned_resources().values()) < 2:
            raise MemoryError("not in half of the memory")
        return getattr(self.real, name)

folder, said = Path(sys.argv[1]), {"unready": [], "crowded": []}
with scratch_folder() as scratch, Cluster(None, 2, scratch, 0, print) as cluster:
    from orchestrator.scheduling import tune_run  # Ray reads its environment when it is imported
    for name, kind in (("unready", FromAPackage), ("crowded", Large)):
        plan = make_plan(loader.load(folder / f"{name}.yaml"), folder / "home")
        evaluators = {p.evaluation: kind(execution_of(plan, p).evaluator) for p in plan.trials}
        tell = lambda report: said[name].append(report.event or report.status)
        tune_run.TuneRun(plan, evaluators, cluster, RunSettings(), 1.0, StopRequest(), tell).run()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The home of two sweeps of one trial each, and what was reported of these."""
    folder = tmp_path_factory.mktemp("real-ray")
    for name in ("unready", "crowded"):
        text = TINY.replace("sweep: tiny", f"sweep: {name}").replace("[0, 1]", "[0]").replace("[0.0, 0.1]", "[0.0]")
        (folder / f"{name}.yaml").write_text(text)
    path = ":".join(sys.path)
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "home", json.loads(done.stdout.splitlines()[-1])


def record_of(name: str, home: Path) -> Record:
    (file,) = home.glob(f"sweeps/{name}/trials/*/record.json")
    return SweepFolder(home, name).trial(file.parent.name).record()


def test_a_worker_that_cannot_be_set_up_is_tried_once_more_and_told_with_its_traceback(ran: Ran) -> None:
    home, said = ran
    assert said["unready"] == ["retried", "given up"]
    record = record_of("unready", home)
    assert record.status == "failed"
    assert "Traceback" in (record.error or "")
    last = (record.error or "").splitlines()[-1]
    assert last == "its worker could not run it: ModuleNotFoundError: No module named 'a_package_of_another_node'"


def test_what_ran_out_of_memory_gets_twice_the_share_and_ends(ran: Ran) -> None:
    home, said = ran
    assert said["crowded"][0] == "crowded" and said["crowded"][-1] == "finished"
    record = record_of("crowded", home)
    assert [attempt.outcome for attempt in record.attempts] == ["out of memory", "finished"]
