"""Trains plans on a cluster: measures the GPU share, keeps display, worker count and disk watch up while Tune runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.cluster import capacity
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.cluster.worker_count import ClusterSize, WorkerCount
from orchestrator.console.progress import Display
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.planning.trial_cost import step_seconds
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.utilization import Utilization
from orchestrator.signals import StopRequest
from orchestrator.store import disk_space
from orchestrator.trial.trial_report import TrialReport

if TYPE_CHECKING:
    from gan_core.evaluation.evaluator import Evaluator  # which needs torch: `plan` answers without
    from orchestrator.object_store.puller import Puller


@dataclass
class SweepRunner:
    """Trains plans on a cluster. `settings.gpu_share`: measured before the first trial if it is None.

    `puller`: keeps the home up to date if trials live in an object store. `on_outcomes`: gets the number of trials with
    each verdict or status after each report.
    """

    cluster: Cluster
    evaluators: dict[str, Evaluator]
    settings: RunSettings
    display: Display
    stop: StopRequest
    puller: Puller | None = None
    on_outcomes: Callable[[Counter[str]], None] = lambda outcomes: None
    utilization: Utilization = field(default_factory=Utilization, init=False)
    _gpu_share: float | None = field(default=None, init=False)

    def train(self, plan: Plan, queue: TrialQueue | None = None) -> None:
        """Train what is left of the plan, until all trials have ended or a stop was requested.

        `queue`: says which of the trials are needed, and trains no others.
        """
        from orchestrator.scheduling.asha import schedule_of
        from orchestrator.scheduling.tune_run import TuneRun

        gpu_share = self._share_for(plan)
        workers = WorkerCount(lambda: ClusterSize(self.cluster.slots(gpu_share), self.cluster.addresses()))
        parts = [f"{n} {state}" for state, n in plan.counts().items()]
        counts = ", ".join([*parts, f"{len(plan.expected)} to choose"] if plan.expected else parts)
        limit = queue.limit if queue else ""
        self.display.note(f"{plan.sweep.name}: {limit}{plan.size} trials ({counts}) on {workers.count} workers")
        eta = Eta(plan, workers.count)
        self.display.start(plan, eta, limit)
        if queue:
            queue.on_chosen = self.display.add
            queue.begin(workers.count)
        self.display.phase_text = "starting the workers"
        began = time.monotonic()

        def on_report(report: TrialReport) -> None:
            if workers.is_due():
                if change := workers.update():
                    self.display.note(f"  {change}")
                eta.set_workers(workers.count)
            if self.puller:
                self.puller.on_report(report)
            if queue:
                queue.add_training(report.seconds)
            self.display.on_report(report)
            self.on_outcomes(self.display.outcome_counts)

        tune_run = TuneRun(
            plan,
            self.evaluators,
            self.cluster,
            self.settings,
            gpu_share,
            self.stop,
            on_report,
            self.puller,
            queue,
            lambda: workers.count,
            schedule_of(plan, queue, self.evaluators),
        )
        try:
            with disk_space.watch_free_space([plan.folder.home, self.cluster.scratch], self.stop.request):
                tune_run.run()
        except OSError as error:
            if not disk_space.is_disk_full(error):
                raise
            self.stop.request(disk_space.describe_full_disk(error, self.cluster.scratch))
        finally:
            workers.add_elapsed()
            self.utilization.wall += time.monotonic() - began
            self.utilization.worker_seconds += workers.seconds
            self.utilization.max_workers = max(self.utilization.max_workers, workers.max_count)
            self.utilization.training += eta.trained

    def summary(self) -> str:
        """How busy the workers were, in one line."""
        return self.utilization.summary()

    def _share_for(self, plan: Plan) -> float:
        if self._gpu_share is None:
            self._gpu_share = self.settings.gpu_share or self._measured_share(plan)
        return self._gpu_share

    def _measured_share(self, plan: Plan) -> float:
        if not self.cluster.gpus() or not plan.to_train:
            return capacity.ASSUMED_GPU_SHARE
        from orchestrator.scheduling import gpu_share

        largest = max(plan.to_train, key=lambda planned: step_seconds(planned.config))
        self.display.set_phase(f"measuring what {largest.trial.name} takes of a GPU")
        images, evaluator = plan.images[largest.fingerprint], self.evaluators[largest.evaluation]
        demand = gpu_share.measure_on(self.cluster, largest.config, images, evaluator)
        share = gpu_share.share(demand)
        memory = f"{demand.peak_bytes / 2**30:.1f} of {demand.total_bytes / 2**30:.0f} GiB"
        taken = f"{memory} and {demand.utilization:.0%} of its time"
        self.display.note(f"a trial takes {taken}: {1 / share:.0f} share a GPU (--gpu-share sets it by hand)")
        return share
