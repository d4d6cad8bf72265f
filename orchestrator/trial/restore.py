"""Resumes a trial: loads its newest whole checkpoint, and says what was damaged or has changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gan_core import checkpoint
from gan_core.checkpoint import CheckpointError
from gan_core.random_streams import NAMES, stream_seed
from gan_core.training.trainer import TrainerState
from orchestrator.store.history_log import HistoryLog
from orchestrator.store.json_files import DamagedFile
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


class TrialState(TrainerState):
    """A trial's checkpoint: the trainer's state and the rows up to it, packed as uint8 [bytes]."""

    history: Tensor


class Restored(NamedTuple):
    """`state`: the checkpoint, or None to start from step 0. `note`: what was damaged or has changed, or ''."""

    state: TrialState | None
    note: str


def load_newest_checkpoint(folder: TrialFolder, record: Record, seed: int, device: torch.device) -> Restored:
    """The newest whole checkpoint, fit for a trainer on `device`. Raises OSError.

    `record`: as the last attempt left it. `seed`: that of the trial. DamagedFile checkpoints are renamed, so that they
    never take the place of the one before.
    """
    damaged: list[str] = []
    state: TrialState | None = None
    for file in (folder.checkpoint_file, folder.previous_checkpoint_file):
        try:
            state = _load(file)
        except FileNotFoundError:
            continue
        except CheckpointError:
            damaged.append(file.name)
            file.replace(folder.damaged_checkpoint_file)
            continue
        break
    note = _damage_note(damaged, record, state["step"] if state else 0)
    if state is None:
        return Restored(None, note)
    state, device_note = adapt_to_device(state, seed, device)
    return Restored(state, "; ".join(filter(None, (note, device_note))))


def _load(file: Path) -> TrialState:
    """Loads to the CPU, because a GPU that lacks the memory for it does not mean that the file is damaged."""
    state = checkpoint.load(file)
    if "history" not in state:
        raise CheckpointError(f"{file} is of an earlier version of this program")
    return cast(TrialState, state)


def _damage_note(damaged: list[str], record: Record, step: int) -> str:
    """`damaged`: names of checkpoints. `step`: that of the checkpoint that is used, or 0."""
    problems = []
    if record.status == TrialStatus.DAMAGED:
        problems.append("record.json was damaged and is made anew")
    if damaged:
        problems.append(f"{' and '.join(damaged)} {'was' if len(damaged) == 1 else 'were'} damaged")
    elif step < record.step:
        problems.append("the checkpoint was gone")
    if not problems:
        return ""
    consequence = f"went on from step {step}" if step else "no checkpoint was whole, so it started from step 0"
    return f"{', '.join(problems)}; {consequence}"


def adapt_to_device(state: TrialState, seed: int, device: torch.device) -> tuple[TrialState, str]:
    """Returns (the state for a trainer on this device, a note or '').

    Random generators of a CPU and of a GPU draw other numbers, and neither can load the other's state. On the other
    kind of device the random streams are seeded anew, with seeds that no earlier step has used.
    """
    streams = {name: torch.Generator(device) for name in NAMES}
    saved = state["streams"]  # of an earlier version they are fewer; the others begin as in a new trial
    if all(saved[name].shape == stream.get_state().shape for name, stream in streams.items() if name in saved):
        return state, ""
    new_states = {
        name: stream.manual_seed(stream_seed(seed, f"{name}/{state['step']}")).get_state()
        for name, stream in streams.items()
    }
    meaning = "not bit for bit what one kind of device would have trained, and with other random numbers from here"
    note = f"went on from step {state['step']} on another kind of device: {meaning}"
    return {**state, "streams": new_states}, note


def open_history(folder: TrialFolder, record: Record, state: TrialState | None) -> HistoryLog:
    """The history of a trial that is resumed from `state`, or started if that is None.

    Rows after the checkpoint that the record covers are passed on, because their steps are trained again.
    """
    step = state["step"] if state else 0
    packed = bytes(state["history"].numpy()) if state else b""
    try:
        recorded = folder.written_rows(record) if record.history is not None else []
    except DamagedFile:
        recorded = []
    return HistoryLog(folder.history_file, packed, [row for row in recorded if row["step"] > step or not state])


def with_history(state: TrainerState, history: HistoryLog) -> TrialState:
    return {**state, "history": torch.frombuffer(bytearray(history.pack()), dtype=torch.uint8)}
