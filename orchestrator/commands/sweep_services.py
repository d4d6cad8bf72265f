"""What runs beside the trials of a sweep: Ray, the preparation of the evaluators, the mirror in MLflow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import environment
from orchestrator.cluster import preflight
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.cluster.warm_workers import WarmWorkers
from orchestrator.commands import sweep_preparation
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.console.progress import Display
from orchestrator.errors import UserError
from orchestrator.object_store.home_copy import StoredSweep
from orchestrator.planning.confirmation import how_many
from orchestrator.planning.plan import Plan
from orchestrator.signals import SOME_FAILED, exit_at_once
from orchestrator.store import temp_folder
from orchestrator.store.json_files import write_text
from orchestrator.tracking import client, mirror_file
from orchestrator.tracking.mirror import Mirror

if TYPE_CHECKING:
    from gan_core.evaluation.evaluator import Evaluator  # which needs torch: Ray starts meanwhile

TRAINABLE = "orchestrator.scheduling.trainable"
"""The module that a worker runs; its import takes seconds."""


def import_mlflow(uri: str, stack: ExitStack) -> Future[None]:
    """Import MLflow in another thread and open its store there. The end of `stack` does not wait for it."""
    return _background_executor(stack).submit(client.warm_up, uri)


def prepare_evaluators(
    plan: Plan, options: SweepOptions, display: Display, stack: ExitStack
) -> Future[dict[str, Evaluator]]:
    """Check the disk and prepare the evaluators in another thread, which imports torch for it.

    The end of `stack` does not wait for a classifier in training.
    """
    confirms = how_many(plan.sweep, options.confirm) > 0

    def prepare() -> dict[str, Evaluator]:
        if plan.to_train:
            sweep_preparation.check_home(plan, sweep_preparation.workers_of(options))
        from orchestrator.planning.evaluators import build_evaluators

        return build_evaluators(plan, options.home, display.set_phase, display.note, all_trials=confirms)

    return _background_executor(stack).submit(prepare)


def _background_executor(stack: ExitStack) -> ThreadPoolExecutor:
    """One thread. The end of `stack` cancels what has not begun, and does not wait for what has."""
    executor = ThreadPoolExecutor(1)
    stack.callback(executor.shutdown, wait=False, cancel_futures=True)
    return executor


def warm_workers(options: SweepOptions, trials: int) -> WarmWorkers:
    """Those that start with a local Ray for so many trials. None where there is a GPU: how many share it is not known.

    Nor does a later worker import torch before its trial there: torch takes its number of threads from the variable
    that Ray sets when the trial comes, and a trial on a GPU, unlike one on a processor, does not set its own.
    """
    on_cpus = options.device == "cpu" or not environment.has_gpu_driver()
    module = TRAINABLE if _is_found_by_workers() else ""
    return WarmWorkers(min(sweep_preparation.workers_of(options), trials), module) if on_cpus else WarmWorkers()


def _is_found_by_workers() -> bool:
    """Whether a worker that waits would import the code of this process, and not another version that is installed.

    It does not know the first folder of `sys.path`, the script's or the current one: Ray tells it with the first task.
    """
    found = PathFinder.find_spec("orchestrator", sys.path[1:])
    return found is not None and found.origin == str(Path(environment.__file__).with_name("__init__.py"))


@contextmanager
def start_ray(plan: Plan, trials: int, options: SweepOptions, display: Display) -> Iterator[Cluster]:
    """A local Ray for so many trials, or a connection to the cluster of the request, whose nodes are checked first.

    Raises UserError if the request cannot be met, ServiceError if the local Ray does not start.
    """
    display.set_phase("starting Ray" if options.address is None else f"connecting to Ray at {options.address}")
    workers = sweep_preparation.workers_of(options)
    in_memory = [arrays for arrays in plan.data.values() if not arrays.stored]
    data_bytes = sum(arrays.images.nbytes + arrays.test_images.nbytes for arrays in in_memory)

    def leave(reason: str) -> None:
        try:
            display.console.show_cursor()
            display.note(f"{reason}; the same command goes on from the last checkpoints")
            temp_folder.delete_with_parent(scratch)
        finally:
            exit_at_once(SOME_FAILED)

    warm = warm_workers(options, trials)
    with (
        temp_folder.command_temp_folder() as scratch,
        Cluster(options.address, workers, scratch, data_bytes, leave, options.device, warm) as cluster,
    ):
        if options.address:
            display.set_phase("asking every node for its versions and the trials' storage")
            folder = plan.folder
            preflight.check_nodes(cluster, folder.object_store if isinstance(folder, StoredSweep) else folder.home)
        yield cluster


def open_mirror(
    plan: Plan, options: SweepOptions, display: Display, is_running: Callable[[str], bool] | None
) -> Mirror:
    """The sweep's mirror in MLflow. If nothing is left to train, it compares everything, as `orchestrate sync` does.

    `is_running`: whether a worker has the trial of this key; None: the lock in the trial's folder says so.
    Raises UserError if MLflow does not answer at an address where this sweep was never recorded.
    """
    write_text(plan.folder.source_file, plan.sweep.text)
    mirror = Mirror(
        plan.folder, options.tracking_uri, plan.to_document(), compare_all=not plan.to_train, is_running=is_running
    )
    try:
        mirror.open()
    except UserError as error:  # the mirror's thread tries again
        if not mirror_file.is_mirrored_at(plan.folder, options.tracking_uri):
            raise
        goes_on = "This sweep was recorded there before, so it goes on; what MLflow lacks is sent when it answers"
        display.note(f"{error}. {goes_on}")
    return mirror
