"""The workers of a sweep: what each gets of the machines, and how busy they were."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.cluster.worker_count import Count, WorkerCount
from orchestrator.console.progress import Display, duration
from orchestrator.planning.eta import Eta, relative_cost
from orchestrator.planning.plan import Plan
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.signals import StopRequest
from orchestrator.store import disk_space

if TYPE_CHECKING:
    from gan_core.evaluation.evaluator import Evaluator  # which needs torch: `plan` answers without
    from orchestrator.object_store.puller import Puller

ASSUMED_SHARE = 0.25
"""Of a GPU, where nobody has measured yet."""


@dataclass
class SweepRunner:
    """Trains plans on a cluster. `settings.gpu_share`: measured before the first trial where it is None.

    `fetcher`: keeps the home up where trials live in a storage. `wall`: seconds so far from the first worker's start to
    the last trial's end; `paid`: of all workers together; `trained`: the trials' own seconds. `workers`: the most that
    there were.
    """

    cluster: Cluster
    evaluators: dict[str, Evaluator]
    settings: RunSettings
    shown: Display
    stop: StopRequest
    fetcher: Puller | None = None
    wall: float = 0.0
    paid: float = 0.0
    trained: float = 0.0
    workers: int = field(default=0, init=False)
    _share: float | None = field(default=None, init=False)

    def train(self, plan: Plan) -> None:
        """What is left of the plan, until all have ended or a stop was asked for."""
        from orchestrator.scheduling import tune_run

        share = self._gpu_share(plan)
        staff = WorkerCount(lambda: Count(self.cluster.slots(share), self.cluster.addresses()))
        counts = ", ".join(f"{n} {state}" for state, n in plan.counts().items())
        self.shown.note(f"{plan.sweep.name}: {len(plan.trials)} trials ({counts}) on {staff.workers} workers")
        clock = Eta(plan, staff.workers)
        self.shown.start(plan, clock)
        self.shown.phase_text = "starting the workers"
        began = time.monotonic()

        def report(key: str, result: dict[str, Any]) -> None:
            if staff.is_due():
                if changed := staff.count():
                    self.shown.note(f"  {changed}")
                clock.staff(staff.workers)
            if self.fetcher:
                self.fetcher.heard(key, result)
            self.shown.report(key, result)

        try:
            with disk_space.watched([plan.folder.home, self.cluster.scratch], self.stop.ask):
                tune_run.run(plan, self.evaluators, self.cluster, self.settings, share, self.stop, report, self.fetcher)
        except OSError as error:
            if not disk_space.is_full(error):
                raise
            self.stop.ask(disk_space.explain(error, self.cluster.scratch))
        finally:
            self.wall += time.monotonic() - began
            staff.add_elapsed()
            self.paid += staff.seconds
            self.workers = max(self.workers, staff.most)
            self.trained += clock.trained

    def _gpu_share(self, plan: Plan) -> float:
        if self._share is None:
            self._share = self.settings.gpu_share or self._measured_share(plan)
        return self._share

    def _measured_share(self, plan: Plan) -> float:
        if not self.cluster.gpus() or not plan.todo:
            return ASSUMED_SHARE
        from orchestrator.scheduling import gpu_share

        largest = max(plan.todo, key=lambda planned: relative_cost(planned.config))
        self.shown.phase(f"measuring what {largest.trial.name} takes of a GPU")
        images, evaluator = plan.images[largest.fingerprint], self.evaluators[largest.evaluation]
        need = gpu_share.measure_on(self.cluster, largest.config, images, evaluator)
        found = gpu_share.share(need)
        taken = f"{need.peak / 2**30:.1f} of {need.total / 2**30:.0f} GiB and {need.busy:.0%} of its time"
        self.shown.note(f"a trial takes {taken}: {1 / found:.0f} share a GPU (--gpu-share sets it by hand)")
        return found

    def summary(self) -> str:
        """How busy the workers were: starting them, waiting and what a lost one did again are not training."""
        share = self.trained / self.paid if self.paid else 0.0
        return f"{self.workers} workers trained for {min(share, 1.0):.0%} of {duration(self.wall)}"
