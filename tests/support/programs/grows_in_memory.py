"""A sweep of two trials on a real Ray, of which this process's control group has memory for one at a time.

`grows_in_memory.py GROUP FOLDER BYTES`: joins the group, and runs FOLDER/tiny.yaml with workers that take so many bytes
each. Prints as JSON what was reported of each trial, and how many trials run at once in the end.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from pathlib import Path
from typing import Any

from gan_core.evaluation.evaluator import Evaluator
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.planning.plan import make_plan
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.store.temp_folder import command_temp_folder
from orchestrator.sweepfile import loader
from orchestrator.trial.trial_report import TrialReport
from support.limited_memory import join
from support.tiny import execution_of
from support.waiting import wait_until


class Growing:
    """Takes `size` bytes of each worker's memory when it is first used, as soon as a second worker is there."""

    def __init__(self, evaluator: Evaluator, workers: Path, size: int) -> None:
        self.evaluator, self.workers, self.size = evaluator, workers, size

    def __getattr__(self, name: str) -> Any:
        if name in ("evaluator", "workers", "size") or name.startswith("__"):
            raise AttributeError(name)
        if not hasattr(builtins, "taken"):
            (self.workers / str(os.getpid())).touch()
            wait_until(lambda: len(os.listdir(self.workers)) >= 2, "a second worker")
            vars(builtins)["taken"] = b"1" * self.size
        return getattr(self.evaluator, name)


def main() -> None:
    group, folder, size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    join(group)
    workers = folder / "workers"
    workers.mkdir()
    with command_temp_folder() as scratch, Cluster(None, 2, scratch, 0, print) as cluster:
        from orchestrator.scheduling import tune_run  # after Cluster: Ray reads its environment when it is imported

        plan = make_plan(loader.load(folder / "tiny.yaml"), folder / "home")
        evaluators: Any = {p.evaluation: Growing(execution_of(plan, p).evaluator, workers, size) for p in plan.trials}
        reports: dict[str, list[str]] = {planned.key: [] for planned in plan.trials}

        def note(report: TrialReport) -> None:
            reports[report.key].append(report.event or report.status)

        tune_run.TuneRun(plan, evaluators, cluster, RunSettings(), 1.0, StopRequest(), note).run()
        side_by_side = cluster.slots(1.0)
    print(json.dumps([reports, side_by_side]))


if __name__ == "__main__":
    main()
