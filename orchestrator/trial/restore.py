"""From where a trial goes on: its newest whole checkpoint, and what has to be said about it and the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_core import checkpoint
from gan_core.checkpoint import CheckpointError
from gan_core.random_streams import NAMES, stream_seed
from orchestrator.store.history_log import HistoryLog
from orchestrator.store.json_files import Damaged
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


class Found(NamedTuple):
    """`state`: the checkpoint, None to start from step 0. `note`: what was damaged and what comes of it, or nothing."""

    state: dict[str, Any] | None
    note: str


def newest_whole(folder: TrialFolder, record: Record) -> Found:
    """Damaged checkpoints are set aside, so that they do not take the place of the one before. Raises OSError."""
    damaged, state = [], None
    for file in (folder.checkpoint_file, folder.previous_file):
        try:
            state = _load(file)
        except FileNotFoundError:
            continue
        except CheckpointError:
            damaged.append(file.name)
            file.replace(folder.damaged_file)
            continue
        break
    return Found(state, _note(damaged, record, state["step"] if state else 0))


def _load(file: Path) -> dict[str, Any]:
    """On the CPU: a GPU without room for it is not the file's fault."""
    state = checkpoint.load(file)
    if "history" not in state:
        raise CheckpointError(f"{file} is of an earlier version of this program")
    return state


def _note(damaged: list[str], record: Record, step: int) -> str:
    what = []
    if record.status == TrialStatus.DAMAGED:
        what.append("record.json was damaged and is made anew")
    if damaged:
        what.append(f"{' and '.join(damaged)} {'was' if len(damaged) == 1 else 'were'} damaged")
    elif step < record.step:
        what.append("the checkpoint was gone")
    if not what:
        return ""
    then = f"went on from step {step}" if step else "no checkpoint was whole, so it started from step 0"
    return f"{', '.join(what)}; {then}"


def on_device(state: dict[str, Any], seed: int, device: torch.device) -> tuple[dict[str, Any], str]:
    """(the state, fit for a trainer on this device; what has to be said of that, or nothing).

    Generators of a CPU and of a GPU draw other numbers and cannot take over each other's states. On the other kind
    of device the streams begin anew, from seeds that no earlier step had.
    """
    streams = {name: torch.Generator(device) for name in NAMES}
    if all(state["streams"][name].shape == stream.get_state().shape for name, stream in streams.items()):
        return state, ""
    anew = {
        name: s.manual_seed(stream_seed(seed, f"{name}/{state['step']}")).get_state() for name, s in streams.items()
    }
    said = "not bit for bit what one kind of device would have trained, and with other random numbers from here"
    return state | {"streams": anew}, f"went on from step {state['step']} on another kind of device: {said}"


def open_ledger(folder: TrialFolder, record: Record, state: dict[str, Any] | None) -> HistoryLog:
    """The rows of the checkpoint; those past it that the record vouches for are kept, to be trained again."""
    step = state["step"] if state else 0
    try:
        told = (
            [row for row in folder.written(record) if row["step"] > step or not state]
            if record.history is not None
            else []
        )
    except Damaged:
        told = []
    packed = bytes(state["history"].numpy()) if state else b""
    return HistoryLog(folder.history_file, packed, told)


def with_history(state: dict[str, Any], ledger: HistoryLog) -> dict[str, Any]:
    """A trainer's state and the rows up to it, as one checkpoint."""
    return state | {"history": torch.frombuffer(bytearray(ledger.pack()), dtype=torch.uint8)}
