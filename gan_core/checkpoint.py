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
    """The file is no checkpoint of gan_core, or it is damaged."""


def save(path: Path, state: dict[str, Any], previous: Path | None = None) -> None:
    """Writes `state` to `path` atomically: a reader finds the old checkpoint or the new one, never half of one.

    previous: the path that an existing checkpoint is renamed to.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getbuffer()
    write_atomically(path, MAGIC, hashlib.sha256(payload).digest(), payload, previous=previous)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The state saved at `path`. Raises CheckpointError if the file is truncated, altered or of another kind."""
    payload = payload_of(path)
    try:
        return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except (torch.OutOfMemoryError, MemoryError):
        raise  # not an error of the file
    except Exception as error:  # torch raises a different class for each way that a payload can be wrong
        raise CheckpointError(f"{path} holds more than tensors and plain values") from error


def payload_of(path: Path) -> memoryview:
    """The bytes that torch wrote, after a check of their checksum; nothing is unpickled. Raises CheckpointError."""
    content = memoryview(path.read_bytes())
    start = len(MAGIC) + 32
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise CheckpointError(f"{path} is not a checkpoint of gan_core")
    payload = content[start:]
    if hashlib.sha256(payload).digest() != bytes(content[len(MAGIC) : start]):
        raise CheckpointError(f"{path} is damaged: its checksum does not match")
    return payload
