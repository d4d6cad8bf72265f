"""Ray Tune runs the trials, and `failure_policy.POLICIES` says what becomes of one that failed.

An exception in our own code is handled in the worker (`trainable`). A lost worker is handled by Tune, which starts the
trial again from its checkpoint in another one. What ran out of memory runs again in another round, with twice the
resources, so that fewer trials run beside it, and so does what lost its worker before that was set up, which Tune gives
up. If the kernel kills a worker for memory, the round ends, and fewer trials run side by side in the next ones.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from ray import tune

from gan_core.evaluation.evaluator import Evaluator
from orchestrator.cluster.left_out import without_tunes_own_records
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.cluster.warm_workers import actors_in_them
from orchestrator.object_store.puller import Puller
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.runtime_estimate import unfinished_longest_first
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.scheduling.asha import AshaSchedule
from orchestrator.scheduling.failed_trials import end_attempts, end_killed_attempts, give_up, killed_for_memory
from orchestrator.scheduling.mixed_devices import PlacementScheduler, PlacementSearcher, resource_request
from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.queue_searcher import QueueSearcher
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.shutdown import bounded_stop
from orchestrator.scheduling.trainable import TrialTrainable
from orchestrator.scheduling.trial_monitor import TrialMonitor
from orchestrator.scheduling.trial_order import InOrderScheduler, in_order_searcher
from orchestrator.scheduling.trial_task import TrialTask, key_of
from orchestrator.scheduling.tune_callback import TuneCallback, TuneStopper
from orchestrator.signals import StopRequest
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Cause
from orchestrator.trial.failure_policy import POLICIES, classify
from orchestrator.trial.trial_report import ReportTrial


@dataclass(frozen=True)
class TuneRun:
    """Runs what is left of a plan, each trial from where it left off, until all have ended or `stop` is requested.

    `evaluators`: by the plan's `evaluation`. `gpu_share`: the fraction of a GPU that a trial gets, if there are any.
    `report`: called with each trial's reports. `puller`: if trials live in an object store.
    `queue`: if the plan has more trials than may be needed, it says which are, and when nothing is needed any more.
    `workers`: how many there are now. `schedule`: stops trials that are behind.
    """

    plan: Plan
    evaluators: dict[str, Evaluator]
    cluster: Cluster
    settings: RunSettings
    gpu_share: float
    stop: StopRequest
    report: ReportTrial
    puller: Puller | None = None
    queue: TrialQueue | None = None
    workers: Callable[[], int] = lambda: 1
    schedule: AshaSchedule | None = None

    def run(self) -> None:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # `report` says what happens to trials
        if self.queue:
            self._run_queue(self.queue)
        else:
            self._run_plan()

    def _run_queue(self, queue: TrialQueue) -> None:
        """A trial that Tune has lost, or that ran out of memory, is needed still, so the queue gives it away again."""
        double_share, lost = frozenset[str](), Counter[str]()
        while not queue.is_over:
            monitor = self._monitor(double_share, lost)
            self._run_round([], monitor)
            if self.stop.is_requested:
                return
            retried = frozenset(monitor.out_of_memory) - double_share
            double_share |= retried
            if not queue.begin_round(retried):
                return  # nothing was there to be given away, so nothing will be

    def _run_plan(self) -> None:
        todo, double_share, lost = unfinished_longest_first(self.plan), frozenset[str](), Counter[str]()
        while todo:
            monitor = self._monitor(double_share, lost)
            was_aborted = self._run_round(todo, monitor)
            if self.stop.is_requested:
                return
            next_round = monitor.out_of_memory - double_share
            double_share |= next_round
            next_round |= monitor.stranded
            if was_aborted:
                next_round |= {folder.key for folder in self._folders(todo) if not folder.record().has_ended}
            todo = [planned for planned in todo if planned.key in next_round]

    def _monitor(self, double_share: frozenset[str], lost: Counter[str]) -> TrialMonitor:
        return TrialMonitor(
            self.settings,
            self.stop,
            self.report,
            self.cluster.stderr_tail,
            double_share,
            was_killed_for_memory=self.cluster.was_killed_for_memory,
            run_fewer=lambda: self.cluster.run_fewer(self.gpu_share),
            lost=lost,
        )

    def _folders(self, trials: list[PlannedTrial]) -> list[TrialFolder]:
        return [self.plan.folder.trial(planned.key) for planned in trials]

    def _run_round(self, todo: list[PlannedTrial], monitor: TrialMonitor) -> bool:
        """Run these trials with Tune once.

        Returns whether Tune broke off, because workers were killed to free memory or a node died.
        """
        folders = self._folders(todo)
        tuner, is_over = self._tuner(todo, monitor, folders)
        was_aborted = False
        waiting_workers = nullcontext() if self.cluster.address else actors_in_them()
        with bounded_stop(self.stop, folders), without_tunes_own_records(), waiting_workers:
            try:
                tuner.fit()
                was_aborted = is_over()
            except Exception as error:  # Tune breaks off if Ray's memory monitor has killed a worker
                self._pull(folders)
                killed = killed_for_memory(str(error), folders)
                if classify(error) is not Cause.OUT_OF_MEMORY or not killed:
                    raise
                was_aborted = True
                end_killed_attempts(killed, monitor)
        self._pull(folders)
        end_attempts([folder for folder in folders if folder.key in monitor.killed - monitor.given_up.keys()])
        for folder in folders:
            if folder.key in monitor.given_up and not self.stop.is_requested:
                give_up(folder, *monitor.given_up[folder.key])
        return was_aborted

    def _pull(self, folders: list[TrialFolder]) -> None:
        if self.puller:
            self.puller.catch_up({folder.key for folder in folders})

    def _tuner(
        self, todo: list[PlannedTrial], monitor: TrialMonitor, folders: list[TrialFolder]
    ) -> tuple[tune.Tuner, Callable[[], bool]]:
        """(Tune for these trials or those of the queue, whether its run must end with trials unfinished).

        `folders`: gets those of the queue.
        """
        tasks = [self._task(planned, monitor.double_share) for planned in todo]
        searcher, scheduler, is_stranded, pool = in_order_searcher(tasks), InOrderScheduler(), lambda: False, None
        if self.cluster.device == "any":
            share_factor = self.cluster.share_factor
            pool = PlacementPool(self.cluster.nodes, self.gpu_share, monitor.double_share, share_factor)
            searcher, scheduler = PlacementSearcher(tasks, pool), PlacementScheduler(pool)
            is_stranded = scheduler.is_stranded
        samples = len(tasks)
        if queue := self.queue:

            def begin(planned: PlannedTrial) -> TrialTask:
                folders.append(self.plan.folder.trial(planned.key))
                return self._task(planned, monitor.double_share)

            searcher = QueueSearcher(queue, begin, self.workers, monitor.out_of_memory.__contains__, pool)
            samples = self.plan.size

        def is_over() -> bool:
            return monitor.is_over or is_stranded() or (queue is not None and queue.is_over)

        trainable = tune.with_parameters(TrialTrainable, images=self.plan.images, evaluators=self.evaluators)
        tuner = tune.Tuner(
            tune.with_resources(trainable, resource_request),
            param_space={"task": {}},
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=samples,
                reuse_actors=True,
                trial_name_creator=key_of,
                trial_dirname_creator=key_of,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=str(self.cluster.scratch),
                stop=TuneStopper(self.stop, is_over),
                verbose=0,
                callbacks=[TuneCallback(monitor, self.schedule)],
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                failure_config=tune.FailureConfig(max_failures=POLICIES[Cause.LOST_WORKER].max_retries),
            ),
        )
        return tuner, is_over

    def _task(self, planned: PlannedTrial, double_share: frozenset[str]) -> TrialTask:
        return TrialTask(
            folder=self.plan.folder.trial(planned.key).folder,
            config=planned.config,
            dataset=planned.fingerprint,
            evaluator=planned.evaluation,
            resources=self.cluster.resources(self.gpu_share, 2 if planned.key in double_share else 1),
            system_metrics=self.settings.system_metrics,
            store_uri=self.puller.sweep.object_store.uri if self.puller else None,
            stop_early=self.plan.sweep.stop_early,
            is_scheduled=self.schedule is not None and self.schedule.takes(planned.key),
            home=None if self.puller else self.plan.folder.home,
        )
