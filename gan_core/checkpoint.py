"""Checkpoints: atomic, checksummed, and read without unpickling anything but tensors and plain values.

A file is what `torch.save` writes, and `torch.load(file, weights_only=True)` reads it. torch's files are zip archives;
the checksum is the archive's comment, which torch ignores. Earlier versions wrote it in front of torch's bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.files import write_atomically

if TYPE_CHECKING:
    import torch  # which `payload_of`, the check of a file, does without

MAGIC = b"gan_core checkpoint 2\n"
EARLIER_MAGIC = b"gan_core checkpoint 1\n"
DIGEST_BYTES = hashlib.sha256().digest_size
COMMENT_BYTES = len(MAGIC) + DIGEST_BYTES
LENGTH_BYTES = 2
"""At the end of a zip archive: how long the comment is that follows."""


class CheckpointError(ValueError):
    """The file is no checkpoint of gan_core, or it is damaged."""


def save(path: Path, state: Mapping[str, object], previous: Path | None = None) -> None:
    """Writes `state` to `path` atomically: a reader finds the old checkpoint or the new one, never half of one.

    previous: the path that an existing checkpoint is renamed to.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    archive = buffer.getbuffer()[:-LENGTH_BYTES]  # it has no comment: the length is 0
    comment = MAGIC + hashlib.sha256(archive).digest()
    write_atomically(path, archive, COMMENT_BYTES.to_bytes(LENGTH_BYTES, "little"), comment, previous=previous)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The state saved at `path`. Raises CheckpointError if the file is truncated, altered or of another kind."""
    import torch

    payload = payload_of(path)
    try:
        return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except (torch.OutOfMemoryError, MemoryError):
        raise  # not an error of the file
    except Exception as error:  # torch raises a different class for each way that a payload can be wrong
        raise CheckpointError(f"{path} holds more than tensors and plain values") from error


def payload_of(path: Path) -> memoryview:
    """The bytes that `torch.load` reads, with their checksum checked and nothing unpickled. Raises CheckpointError."""
    content = memoryview(path.read_bytes())
    if bytes(content[: len(EARLIER_MAGIC)]) == EARLIER_MAGIC:
        start = len(EARLIER_MAGIC) + DIGEST_BYTES
        payload = archive = content[start:]
        digest = content[len(EARLIER_MAGIC) : start]
    else:
        payload, archive = content, content[: -LENGTH_BYTES - COMMENT_BYTES]
        length, comment = content[len(archive) : -COMMENT_BYTES], content[-COMMENT_BYTES:]
        if bytes(comment[: len(MAGIC)]) != MAGIC or int.from_bytes(length, "little") != COMMENT_BYTES:
            raise CheckpointError(f"{path} is damaged, or is not a checkpoint of gan_core")
        digest = comment[len(MAGIC) :]
    if hashlib.sha256(archive).digest() != bytes(digest):
        raise CheckpointError(f"{path} is damaged: its checksum does not match")
    return payload
