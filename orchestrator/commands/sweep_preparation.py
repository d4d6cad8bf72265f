"""What `orchestrate sweep` does before anything is started: it checks the request and completes the plan."""

from __future__ import annotations

from dataclasses import replace

from orchestrator import environment
from orchestrator.cluster.address import check_address
from orchestrator.commands import queued_training
from orchestrator.commands.data_lines import data_lines
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.console.progress import Display
from orchestrator.errors import UserError
from orchestrator.object_store import puller
from orchestrator.object_store.home_copy import StoredSweep
from orchestrator.object_store.s3 import ObjectStore
from orchestrator.planning import reuse, staleness
from orchestrator.planning.confirmation import how_many
from orchestrator.planning.early_ends import set_up_ended
from orchestrator.planning.extension import set_up_extensions
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.repair import repair_finished_trials
from orchestrator.planning.verdict_update import update_verdicts
from orchestrator.store import disk_space
from orchestrator.store.json_files import write_text
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.temp_folder import temp_parent
from orchestrator.sweepfile.model import Sweep
from orchestrator.tracking import mirror_file, model_logging, sqlite
from orchestrator.tracking.address import check_uri

AMPLE_BYTES = 10 * 1000**3
"""Where more is free, `check_home` can wait until torch is imported while Ray starts: hardly a sweep needs as much. By
the estimate a trial of `smoke.yaml`, `stability.yaml` and `precision.yaml` in `experiments/` takes 4 to 65 MB."""


def check_request(options: SweepOptions, sweep_name: str) -> SweepFolder:
    """Check what can be checked without the data; returns the sweep's folder. Raises UserError."""
    folder = check_training(options, sweep_name)
    check_mlflow(folder, options.tracking_uri)
    if options.register is not None:
        model_logging.check_name(options.register)
    sqlite.check_integrity(options.tracking_uri, sweep_name)
    return folder


def check_training(options: SweepOptions, sweep_name: str) -> SweepFolder:
    """The same of what trains, without what records and reports. Raises UserError."""
    if options.address:
        check_address(options.address)
    elif options.device == "gpu":
        environment.require_gpu()
    return open_sweep_folder(options, sweep_name)


def open_sweep_folder(options: SweepOptions, sweep_name: str) -> SweepFolder:
    """The sweep's folder. Its trials live in the home, or in the storage of the request or of an earlier command.

    Raises UserError if the storage cannot be used, or is not the one that the sweep began in.
    """
    folder = SweepFolder(options.home, sweep_name)
    earlier_uri = folder.storage_uri()
    if not (options.storage or earlier_uri):
        return folder
    object_store = ObjectStore(str(options.storage or earlier_uri))
    if earlier_uri and ObjectStore(earlier_uri).location != object_store.location:
        raise UserError(
            f"the trials of {sweep_name} live in {earlier_uri}, and their checkpoints are there: leave --storage (and "
            "$ORCHESTRATE_STORAGE) out, or take another --home"
        )
    if error := object_store.access_error():
        raise UserError(f"--storage {object_store.uri} cannot be used: {error}")
    return StoredSweep(options.home, sweep_name, object_store)


def check_schedule(sweep: Sweep, folder: SweepFolder) -> None:
    """Raises UserError if a schedule shall stop trials that it cannot reach."""
    if sweep.stops_trials and isinstance(folder, StoredSweep):
        raise UserError(
            f"{sweep.file}: schedule: asha needs trials in the home, and those of {sweep.name} live in "
            f"{folder.object_store.uri}: leave schedule out, or take a --home that all nodes share"
        )


def check_mlflow(folder: SweepFolder, uri: str) -> None:
    """Raises UserError if MLflow does not answer at an address where this sweep was never recorded.

    Such an address is most likely mistyped. An address that was used before is only away for a while, and the sweep
    goes on without it: training takes days, and its results can be sent later.
    """
    try:
        check_uri(uri)
    except UserError:
        if not mirror_file.is_mirrored_at(folder, uri):
            raise


def load_plan(sweep: Sweep, options: SweepOptions, display: Display) -> Plan:
    """Load the data and compare the sweep with its folder. Raises UserError."""
    display.set_phase("loading the data")
    plan = make_plan(sweep, options.home)
    for line in data_lines(plan):
        display.note(line)
    for caution in plan.sweep.cautions:
        display.note(f"caution: {caution}")
    return plan


def archive_replaced_report(plan: Plan, display: Display) -> None:
    """Say which trials of the last command leave the sweep, and move their report away before another is written."""
    for line in staleness.changes_since_last_command(plan):
        display.note(line)
    folder = plan.folder
    if staleness.left_trials(plan) and folder.report_folder.exists():
        kept = folder.next_kept_report()
        folder.report_folder.rename(kept)
        display.note(f"the report of the last command is kept as {kept / folder.report_file.name}")


def take_over(plan: Plan, display: Display) -> Plan:
    """The plan with what the storage and other sweeps have of its trials, and with today's verdicts.

    Raises UserError if the storage does not answer.
    """
    if isinstance(plan.folder, StoredSweep):
        plan = puller.exchange_trials(plan.folder, plan, display.note)
    elif plan.unfinished:
        plan = set_up_extensions(reuse.copy_reusable(plan, display.note))
    return update_verdicts(set_up_ended(plan, display.note), display.note)


def complete_plan(plan: Plan, folder: SweepFolder, options: SweepOptions, display: Display) -> Plan:
    """The plan with what the storage and other sweeps have, today's verdicts, the confirming trials and the repairs.

    The caller holds the sweep's lock. Raises UserError if the storage does not answer or a disk is too small.
    """
    if isinstance(folder, StoredSweep):
        display.set_phase(f"looking into {folder.object_store.uri}")
        write_text(folder.storage_file, folder.object_store.uri + "\n")
        plan = replace(plan, folder=folder)
    else:
        plan = plan.with_current_records()  # another command may have ended since the plan was made
    plan = take_over(plan, display)
    plan = queued_training.with_confirmations(plan, how_many(plan.sweep, options.confirm), display.note)
    plan = repair_finished_trials(plan, display.note)
    if plan.to_train:
        disk_space.check_free_space(temp_parent(), 0)
        if disk_space.free_bytes(plan.folder.home) < AMPLE_BYTES:
            check_home(plan, workers_of(options))
    return plan


def workers_of(options: SweepOptions) -> int:
    """The CPUs of a local Ray."""
    return options.workers or environment.available_cpus()


def check_home(plan: Plan, workers: int) -> None:
    """Raises UserError if the home is too small for what is left of the plan. Counts weights, so it needs torch."""
    from orchestrator.planning.disk_estimate import bytes_needed

    queue = queued_training.queue_of(plan)
    next_trials = queue.plan_so_far() if queue else plan
    disk_space.check_free_space(plan.folder.home, bytes_needed(next_trials, workers))
