"""Finished trials whose files are no longer what was written: judged again from their checkpoint, or reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gan_core import checkpoint
from gan_core.checkpoint import CheckpointError
from orchestrator.planning.plan import Plan, PlannedTrial
from orchestrator.store.json_files import Damaged
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


def repair_finished_trials(plan: Plan, note: Callable[[str], None]) -> Plan:
    """The plan with what has to be done again; `note` is told of every damage. A command that holds the sweep calls it.

    Reads the histories and generators of all finished trials. Raises OSError.
    """
    for planned in plan.trials:
        place = plan.folder.trial(planned.key)
        if planned.state == TrialStatus.DAMAGED:
            note(f"{planned.trial.name}: {planned.record.error}; it is made anew from the checkpoint")
        elif planned.state == TrialStatus.FINISHED:
            place.prune()  # a command that was killed after the last record did not come to it
            if damaged := damaged_files(place, planned.record):
                note(f"{planned.trial.name}: {_mend(planned, place, damaged)}")
    return plan.with_current_records()


def damaged_files(place: TrialFolder, record: Record) -> list[Path]:
    """Those of a finished trial that are cut off, altered or gone."""
    found = []
    try:
        place.written(record)
    except Damaged:
        found.append(place.history_file)
    diverged = record.verdict is not None and record.verdict["name"] == "diverged"  # and so kept no last weights
    expected = ([] if diverged else [place.generator_file]) + ([place.best_file] if record.best else [])
    return found + [file for file in expected if not _is_whole(file)]


def _is_whole(file: Path) -> bool:
    try:
        checkpoint.payload_of(file)
    except (FileNotFoundError, CheckpointError):
        return False
    return True


def _mend(planned: PlannedTrial, place: TrialFolder, damaged: list[Path]) -> str:
    """Has the trial go on from its checkpoint, where that makes the files again; what is done, in words."""
    said = f"{' and '.join(file.name for file in damaged)} {'is' if len(damaged) == 1 else 'are'} damaged or gone"
    if damaged == [place.best_file]:
        return f"{said}; what MLflow has of it is whole, and the trial's results do not depend on it"
    try:
        step = int(checkpoint.load(place.checkpoint_file)["step"])
    except (FileNotFoundError, CheckpointError):
        return f"{said}, and so is the checkpoint that it could be made from; the verdict stands, MLflow has the rest"
    record = planned.record
    record.status, record.step = TrialStatus.INTERRUPTED, step
    place.write_record(record)
    return f"{said}; made again from the checkpoint at step {step}"
