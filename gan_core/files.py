"""Files that are complete or absent."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, *parts: bytes | memoryview, previous: Path | None = None) -> None:
    """Writes `parts` to a temporary file in the same folder, syncs it, and renames it to `path`.

    A reader finds the old content or the new, never half of one, even after a power cut.
    previous: the path that an existing file is renamed to; a reader that finds no `path` looks there. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Syncs a folder to disk, so that renames in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_temporary(folder: Path) -> None:
    """Deletes the temporary files of killed processes, in a folder that no other process writes to."""
    for file in folder.glob(".*.tmp"):
        file.unlink(missing_ok=True)
