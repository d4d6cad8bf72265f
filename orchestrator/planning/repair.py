"""Finds finished trials with damaged or missing files, and has them made again from their checkpoint if possible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gan_core import checkpoint
from gan_core.checkpoint import CheckpointError
from gan_core.verdict.names import VerdictName
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.json_files import DamagedFile
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


def repair_finished_trials(plan: Plan, note: Callable[[str], None]) -> Plan:
    """The plan in which damaged trials count as unfinished; `note` gets a line for each. Needs the lock of the sweep.

    Reads the histories and generators of all finished trials. Raises OSError.
    """
    for planned in plan.trials:
        trial_folder = plan.folder.trial(planned.key)
        if planned.state == TrialStatus.DAMAGED:
            note(f"{planned.trial.name}: {planned.record.error}; it is made again from the checkpoint")
        elif planned.state == TrialStatus.FINISHED:
            trial_folder.prune()  # a command that was killed after the last record could not
            if damaged := damaged_files(trial_folder, planned.record):
                note(f"{planned.trial.name}: {_resume_from_checkpoint(planned, trial_folder, damaged)}")
    return plan.with_current_records()


def damaged_files(trial_folder: TrialFolder, record: Record) -> list[Path]:
    """The files of a finished trial that are truncated, changed or missing."""
    damaged = []
    try:
        trial_folder.written_rows(record)
    except DamagedFile:
        damaged.append(trial_folder.history_file)
    diverged = record.verdict is not None and record.verdict["name"] == VerdictName.DIVERGED  # and has no generator
    expected = ([] if diverged else [trial_folder.generator_file]) + (
        [trial_folder.best_generator_file] if record.best else []
    )
    return damaged + [file for file in expected if not _is_whole(file)]


def _is_whole(file: Path) -> bool:
    try:
        checkpoint.payload_of(file)
    except (FileNotFoundError, CheckpointError):
        return False
    return True


def _resume_from_checkpoint(planned: PlannedTrial, trial_folder: TrialFolder, damaged: list[Path]) -> str:
    """Marks the trial as interrupted at its checkpoint, if training from there makes the files again.

    Returns a sentence that says what is damaged and what is done about it.
    """
    damage = f"{' and '.join(file.name for file in damaged)} {'is' if len(damaged) == 1 else 'are'} damaged or gone"
    if damaged == [trial_folder.best_generator_file]:
        return f"{damage}; MLflow has a whole copy, and the results of the trial do not depend on it"
    try:
        step = int(checkpoint.load(trial_folder.checkpoint_file)["step"])
    except (FileNotFoundError, CheckpointError):
        return (
            f"{damage}, and so is the checkpoint to make it from; the verdict is still valid, and MLflow has the rest"
        )
    record = planned.record
    record.status, record.step = TrialStatus.INTERRUPTED, step
    trial_folder.write_record(record)
    return f"{damage}; made again from the checkpoint at step {step}"
