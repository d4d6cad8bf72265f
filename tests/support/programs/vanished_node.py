"""`--device any` where a node with a GPU is gone when the first worker should begin there: the sweep of
argv[1]/tiny.yaml. Prints how many Tune runs that took."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.planning.plan import make_plan
from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.store.temp_folder import command_temp_folder
from orchestrator.sweepfile import loader
from support.tiny import execution_of


def main() -> None:
    folder = Path(sys.argv[1])
    plan = make_plan(loader.load(folder / "tiny.yaml"), folder / "home")
    with command_temp_folder() as scratch, Cluster(None, 1, scratch, 0, print, "any") as cluster:
        from orchestrator.scheduling import tune_run  # after Cluster: Ray reads its environment when it is imported

        real_nodes, looks, runs = cluster.nodes, 0, 0

        def nodes_with_a_ghost() -> dict[str, dict[str, float]]:
            nonlocal looks
            looks += 1
            return real_nodes() | ({"0" * 56: {"CPU": 1, "GPU": 1}} if looks < 3 else {})

        def counted_pool(*arguments: Any) -> Any:
            nonlocal runs
            runs += 1
            return PlacementPool(*arguments)

        cluster.nodes = nodes_with_a_ghost  # type: ignore[method-assign]
        evaluators = {planned.evaluation: execution_of(plan, planned).evaluator for planned in plan.trials}
        with patch.object(tune_run, "PlacementPool", counted_pool):
            tune_run.TuneRun(plan, evaluators, cluster, RunSettings(), 1.0, StopRequest(), lambda report: None).run()
    print(runs)


if __name__ == "__main__":
    main()
