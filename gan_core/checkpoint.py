"""Checkpoints: atomic, checksummed, and read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from gan_core.files import write_atomically

MAGIC = b"gan_core checkpoint 1\n"


class CheckpointError(ValueError):
    """The file is not a whole checkpoint of ours."""


def save(path: Path, state: dict[str, Any], previous: Path | None = None) -> None:
    """Writes `state` beside `path` and renames it there: a reader finds the old checkpoint or the new, never half.

    `previous`: where the old one is kept.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getbuffer()
    write_atomically(path, MAGIC, hashlib.sha256(payload).digest(), payload, previous=previous)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The state saved at `path`. Raises CheckpointError if it is cut off, altered or not ours."""
    payload = payload_of(path)
    try:
        return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except (torch.OutOfMemoryError, MemoryError):
        raise  # that is not the file's fault
    except Exception as error:  # torch raises a different class for each way that a payload can be wrong
        raise CheckpointError(f"{path} holds more than tensors and plain values") from error


def payload_of(path: Path) -> memoryview:
    """What torch wrote, as the checksum vouches for it; nothing is unpickled. Raises CheckpointError."""
    content = memoryview(path.read_bytes())
    start = len(MAGIC) + 32
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise CheckpointError(f"{path} is not a checkpoint of gan_core")
    payload = content[start:]
    if hashlib.sha256(payload).digest() != bytes(content[len(MAGIC) : start]):
        raise CheckpointError(f"{path} is damaged: its checksum does not match")
    return payload
