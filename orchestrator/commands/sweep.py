"""`orchestrate sweep`: plan, run what is left, mirror, report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from orchestrator import environment
from orchestrator.cluster import preflight
from orchestrator.cluster.address import check_address
from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.commands import finalize
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_summary import SweepOutcome, print_summary
from orchestrator.console import progress
from orchestrator.errors import UserError
from orchestrator.object_store import puller
from orchestrator.object_store.home_copy import StoredSweep
from orchestrator.object_store.s3 import ObjectStore
from orchestrator.planning import disk_estimate
from orchestrator.planning.confirmation import extended
from orchestrator.planning.evaluators import prepare
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.repair import repaired
from orchestrator.scheduling.sweep_runner import SweepRunner
from orchestrator.signals import FINISHED, INTERRUPTED, SOME_FAILED, StopRequest, instead, leave_at_once
from orchestrator.store import disk_space
from orchestrator.store.json_files import write_checked, write_text
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold
from orchestrator.store.temp_folder import parent_folder, scratch_folder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.tracking import client, model_logging, sqlite
from orchestrator.tracking.address import check_uri
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.mirror_thread import MirrorThread


def run_sweep(file: Path, overrides: list[str], options: SweepOptions, console: Console) -> int:
    """Runs the sweep of `file` to its report; the exit code. Raises UserError before anything is started."""
    sweep = loader.load(file, overrides)
    if options.address:
        check_address(options.address)
    elif options.device == "gpu":
        environment.check_gpu()
    folder = _folder(options, sweep.name)
    _check_mlflow(folder, options.tracking_uri)
    if options.register is not None:
        model_logging.check_name(options.register)
    sqlite.check(options.tracking_uri, sweep.name)
    with progress.make_display(console, options.quiet) as shown:
        shown.phase("loading the data")
        plan = make_plan(sweep, options.home)
        for caution in sweep.cautions:
            shown.note(f"caution: {caution}")
        with disk_space.explained(folder.folder), hold(folder):
            if isinstance(folder, StoredSweep):
                plan = _stored(plan, folder, shown)
            plan = repaired(extended(plan, options.confirm), shown.note)
            _check_room(plan, options)
            outcome = _run(plan, options, shown)
    print_summary(options, console, outcome)
    return outcome.code


def _folder(options: SweepOptions, name: str) -> SweepFolder:
    """The sweep's folder, with the storage that its trials live in: the one that is asked for, or was before.

    Raises UserError where that storage cannot be used, or is another one.
    """
    folder = SweepFolder(options.home, name)
    before = folder.storage_uri()
    if not (options.storage or before):
        return folder
    storage = ObjectStore(str(options.storage or before))
    if before and ObjectStore(before).location != storage.location:
        raise UserError(
            f"the trials of {name} live in {before}, and their checkpoints are there: leave --storage (and "
            "$ORCHESTRATE_STORAGE) out, or take another --home"
        )
    if trouble := storage.trouble():
        raise UserError(f"--storage {storage.uri} cannot be used: {trouble}")
    return StoredSweep(options.home, name, storage)


def _stored(plan: Plan, folder: StoredSweep, shown: progress.Display) -> Plan:
    """The plan with what the storage knows."""
    shown.phase(f"looking into {folder.storage.uri}")
    write_text(folder.storage_file, folder.storage.uri + "\n")
    return puller.begin(folder, plan, shown.note)


def _check_room(plan: Plan, options: SweepOptions) -> None:
    """Raises UserError where the sweep will not fit."""
    if plan.todo:
        workers = options.workers or environment.available_cpus()
        disk_space.check_room(plan.folder.home, disk_estimate.needed(plan, workers))
        disk_space.check_room(parent_folder(), 0)


def _run(plan: Plan, options: SweepOptions, shown: progress.Display) -> SweepOutcome:
    stop, crew = StopRequest(lambda reason: shown.note(f"stopping: {reason}")), None
    with ExitStack() as stack:
        # who leaves waits for MLflow's database, half of which could not be used again, but not for a classifier
        importing = stack.enter_context(ThreadPoolExecutor(1)).submit(client.warm_up, options.tracking_uri)
        beside = ThreadPoolExecutor(1)
        stack.callback(beside.shutdown, wait=False, cancel_futures=True)
        preparing = beside.submit(
            prepare, plan, options.home, shown.phase, shown.note, everything=bool(options.confirm)
        )
        cluster = stack.enter_context(_cluster(plan, options, shown)) if plan.todo else None
        evaluators = preparing.result()  # what is wrong with them is said before MLflow has a run
        shown.phase("opening MLflow")
        importing.result()
        fetcher = None
        if isinstance(plan.folder, StoredSweep):
            puller.exchange_evaluators(plan.folder, plan)
            fetcher = stack.enter_context(puller.Puller(plan.folder, shown.note))
        mirror = _open_mirror(plan, options, shown, fetcher)
        write_checked(plan.folder.sweep_file, plan.document())
        thread = MirrorThread(mirror)
        thread.start()
        try:
            if cluster:
                crew = SweepRunner(cluster, evaluators, options.settings, shown, stop, fetcher)
                with instead(lambda: _stop_for_user(stop, shown)):
                    crew.train(plan)
                    more = extended(plan.refreshed(), options.confirm)
                    if len(more.trials) > len(plan.trials):
                        plan = more
                        write_checked(plan.folder.sweep_file, plan.document())
                        mirror.follow(plan.document())
                        crew.train(plan)
            shown.phase("sending the rest to MLflow")
            thread.drain(hurry=stop.asked, tell=lambda: shown.phase("still sending the rest to MLflow"))
            for picture in sorted(mirror.left_out):
                shown.note(f"left out {picture}: it is damaged or gone; MLflow has everything else")
            plan = plan.refreshed()
            outcome = _conclude(plan, options, thread, shown, _exit_code(plan, stop))
            return replace(outcome, stopped=stop.reason, busy=crew.summary() if crew else "")
        except BaseException:
            thread.abandon()
            raise


def _conclude(
    plan: Plan, options: SweepOptions, thread: MirrorThread, shown: progress.Display, code: int
) -> SweepOutcome:
    """The report, from MLflow, and the end of the parent run; without them if MLflow did not take everything.

    Who interrupts a sweep wants to leave: the report is a command of its own.
    """
    if thread.trouble:
        return SweepOutcome(plan, code, finalize.Conclusion(trouble=thread.trouble))
    if code == INTERRUPTED:
        thread.abandon()
        return SweepOutcome(plan, code, finalize.Conclusion())
    status = finalize.status_of(_statuses(plan))
    return SweepOutcome(plan, code, finalize.conclude(thread.mirror, status, shown.phase, options.register))


def _check_mlflow(folder: SweepFolder, uri: str) -> None:
    """Raises UserError if MLflow does not answer and never did for this sweep.

    An address that never did is most likely mistyped. One that did is away for a while, and a sweep that something
    starts again at night goes on without it: training is what takes days, and sending can be done later.
    """
    try:
        check_uri(uri)
    except UserError:
        if not client.is_known(folder, uri):
            raise


@contextmanager
def _cluster(plan: Plan, options: SweepOptions, shown: progress.Display) -> Iterator[Cluster]:
    shown.phase("starting Ray" if options.address is None else f"connecting to Ray at {options.address}")
    workers = options.workers or environment.available_cpus()
    size = sum(arrays.images.nbytes + arrays.test_images.nbytes for arrays in plan.data.values())

    def leave(name: str) -> None:
        shown.console.show_cursor()
        shown.note(f"Ray's {name} has died; the same command goes on from the last checkpoints")
        shutil.rmtree(scratch, ignore_errors=True)
        leave_at_once(SOME_FAILED)

    with (
        scratch_folder() as scratch,
        Cluster(options.address, workers, scratch, size, leave, options.device) as cluster,
    ):
        if options.address:
            shown.phase("asking every node for its versions and the trials' storage")
            folder = plan.folder
            preflight.probe(cluster, folder.storage if isinstance(folder, StoredSweep) else folder.home)
        yield cluster


def _open_mirror(plan: Plan, options: SweepOptions, shown: progress.Display, fetcher: puller.Puller | None) -> Mirror:
    """With nothing left to train, what MLflow has is looked at again as `orchestrate sync` does."""
    write_text(plan.folder.asked_file, Path(plan.sweep.file).read_text(encoding="utf-8"))
    runs = fetcher.is_running if fetcher else None
    mirror = Mirror(plan.folder, options.tracking_uri, plan.document(), rebuild=not plan.todo, runs=runs)
    try:
        mirror.open()
    except UserError as error:  # the mirror's thread tries again
        if not client.is_known(plan.folder, options.tracking_uri):
            raise
        goes_on = "This sweep was recorded there before, so it goes on; what MLflow lacks is sent when it answers"
        shown.note(f"{error}. {goes_on}")
    return mirror


def _stop_for_user(stop: StopRequest, shown: progress.Display) -> None:
    stop.ask()
    shown.note("stopping: every running trial saves a checkpoint (again to leave at once)")


def _statuses(plan: Plan) -> set[str]:
    return {planned.record.status for planned in plan.trials}


def _exit_code(plan: Plan, stop: StopRequest) -> int:
    if _statuses(plan) == {TrialStatus.FINISHED}:
        return FINISHED
    return stop.code if stop.asked else SOME_FAILED
