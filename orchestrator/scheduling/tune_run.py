"""Ray Tune runs the trials, and `failures.POLICIES` says what becomes of one that failed.

An exception in our own code is met in the worker (`worker.py`); a lost worker by Tune, which starts the trial again
from its checkpoint in another one; what ran out of memory runs again here, in another round, with fewer neighbours.
"""

from __future__ import annotations

import logging
import re

from ray import tune

from gan_core.error_text import last_line
from gan_core.evaluation.evaluator import Evaluator
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.object_store.puller import Puller
from orchestrator.planning.plan import Plan, PlannedTrial
from orchestrator.planning.runtime_estimate import longest_first
from orchestrator.scheduling.mixed_devices import InOrderOfPlaces, OnePlaceAfterAnother, request
from orchestrator.scheduling.placement import PlacementPool
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.shutdown import bounded_stop
from orchestrator.scheduling.trainable import TrialTrainable
from orchestrator.scheduling.trial_monitor import Report, TrialMonitor, key_of
from orchestrator.scheduling.trial_order import InOrder, one_after_another
from orchestrator.scheduling.tune_callback import TuneCallback, TuneStopper
from orchestrator.signals import StopRequest
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Outcome, TrialStatus
from orchestrator.trial.failure_policy import MAX_WORKERS_LOST, Cause, classify
from orchestrator.trial.trial_event import TrialEvent


def run(
    plan: Plan,
    evaluators: dict[str, Evaluator],
    cluster: Cluster,
    settings: RunSettings,
    gpu_share: float,
    stop: StopRequest,
    report: Report,
    fetcher: Puller | None = None,
) -> None:
    """Runs what is left of the plan, each trial where it left off, until all have ended or `stop` was asked.

    `gpu_share`: the part of a GPU a trial gets, where there are any. `fetcher`: where trials live in a storage.
    """
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # what happens to a trial is said by `report`
    todo, roomier = longest_first(plan), frozenset[str]()
    while todo:
        one = TrialMonitor(settings, stop, report, cluster.last_words, roomier)
        broken = _run_round(plan, todo, evaluators, cluster, gpu_share, one, fetcher)
        if stop.asked:
            return
        again = one.crowded - roomier
        left = {p.key for p in todo if not plan.folder.trial(p.key).record().has_ended} if broken else set()
        todo = [planned for planned in todo if planned.key in again | left]
        roomier |= again


def _run_round(
    plan: Plan,
    todo: list[PlannedTrial],
    evaluators: dict[str, Evaluator],
    cluster: Cluster,
    gpu_share: float,
    one: TrialMonitor,
    fetcher: Puller | None,
) -> bool:
    """Runs them all through Tune; whether it broke off, because a worker was killed to free memory or a node died."""
    resources = {roomier: cluster.resources(gpu_share, 2 if roomier else 1) for roomier in (False, True)}
    tasks = [
        {
            "folder": str(plan.folder.trial(planned.key).folder),
            "storage": fetcher and fetcher.sweep.storage.uri,
            "config": planned.config.model_dump(mode="json"),
            "fingerprint": planned.fingerprint,
            "evaluation": planned.evaluation,
            "system_metrics": one.settings.system_metrics,
            "resources": resources[planned.key in one.roomier],
        }
        for planned in todo
    ]
    trainable = tune.with_parameters(TrialTrainable, images=plan.images, evaluators=evaluators)
    search, scheduler, over = one_after_another(tasks), InOrder(), lambda: False
    if cluster.device == "any":
        places = PlacementPool(cluster.nodes, gpu_share, one.roomier)
        search, scheduler = OnePlaceAfterAnother(tasks, places), InOrderOfPlaces(places)
        over = scheduler.is_stranded
    tuner = tune.Tuner(
        tune.with_resources(trainable, request),
        param_space={"task": {}},
        tune_config=tune.TuneConfig(
            search_alg=search,
            scheduler=scheduler,
            num_samples=len(tasks),
            reuse_actors=True,
            trial_name_creator=key_of,
            trial_dirname_creator=key_of,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(cluster.scratch),
            stop=TuneStopper(one.stop, over),
            verbose=0,
            callbacks=[TuneCallback(one)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=MAX_WORKERS_LOST),
        ),
    )
    folders = [plan.folder.trial(planned.key) for planned in todo]

    def catch_up() -> None:
        if fetcher:
            fetcher.catch_up({folder.key for folder in folders})

    broken = False
    with bounded_stop(one.stop, folders):
        try:
            tuner.fit()
            broken = over()
        except Exception as error:  # Tune breaks off where Ray's memory monitor has killed a worker
            catch_up()
            killed = killed_for_memory(str(error), folders)
            if classify(error) is not Cause.OUT_OF_MEMORY or not killed:
                raise
            broken = True
            _note_killed(killed, one)
    catch_up()
    for folder in folders:
        if folder.key in one.given_up and not one.stop.asked:
            give_up(folder, *one.given_up[folder.key])
    return broken


def killed_for_memory(said: str, folders: list[TrialFolder]) -> list[TrialFolder]:
    """The trials of the workers that Ray's memory monitor names in its message."""
    processes = set(map(int, re.findall(r"\bpid=(\d+)", said)))
    found = []
    for folder in folders:
        record = folder.record()
        if record.attempts and record.attempts[-1]["process"] in processes and not record.has_ended:
            found.append(folder)
    return found


def _note_killed(folders: list[TrialFolder], one: TrialMonitor) -> None:
    said = "its worker was killed because the memory of its machine ran out"
    for folder in folders:
        if folder.key in one.roomier:
            give_up(folder, Cause.OUT_OF_MEMORY, said)
            one.report(folder.key, {"status": TrialEvent.GIVEN_UP, "error": said})
        else:
            _end_attempt(folder, Cause.OUT_OF_MEMORY, said)
            one.crowded.add(folder.key)
            one.report(folder.key, {"status": TrialEvent.OUT_OF_MEMORY})


def give_up(folder: TrialFolder, cause: Cause, error: str) -> None:
    """The trial has failed, for `error`, unless it has come to an end of its own before."""
    _end_attempt(folder, cause, last_line(error))
    record = folder.record()
    if not record.has_ended:
        record.status, record.error = TrialStatus.FAILED, error
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.write_record(record)


def _end_attempt(folder: TrialFolder, cause: Cause, message: str) -> None:
    record = folder.record()
    if record.attempts and record.attempts[-1]["outcome"] == Outcome.RUNNING:
        record.attempts[-1] |= {"outcome": str(cause), "message": message}
        folder.write_record(record)
