"""Full disks: recognised among other errors, and noticed before they stop a write."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.formatting import format_bytes
from orchestrator.periodic import PeriodicThread

FULL_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
}
MIN_FREE_BYTES = 200 * 1000**2
"""With less free space a sweep does not start, and a running one stops while it can still save everything."""
SECONDS_BETWEEN_CHECKS = 10.0


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed because the disk is full, read-only or over its quota, so that every trial would fail."""
    return isinstance(error, OSError) and error.errno in FULL_DISK_ERRORS


def describe_full_disk(error: OSError, folder: Path) -> str:
    """One line: what is wrong, and what to do. `folder`: named if the error names no file."""
    cause = FULL_DISK_ERRORS.get(error.errno or 0, str(error.strerror))
    remedy = "make it writable" if error.errno == errno.EROFS else "make room (orchestrate clean --all)"
    return f"{cause}: {error.filename or folder} cannot be written; {remedy}, then the same command goes on"


@contextmanager
def full_disk_as_user_error(folder: Path) -> Iterator[None]:
    """Raises UserError in place of an OSError about a full disk."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise UserError(describe_full_disk(error, folder)) from None


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that holds the folder, or will hold it."""
    return shutil.disk_usage(nearest_existing(folder)).free


def nearest_existing(folder: Path) -> Path:
    """The folder, or the nearest of its parents that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def check_free_space(folder: Path, needed: int) -> None:
    """Raises UserError if less than `needed` bytes and MIN_FREE_BYTES are free."""
    free = free_bytes(folder)
    if free < needed + MIN_FREE_BYTES:
        raise UserError(
            f"{folder.absolute()} has {format_bytes(free)} free and this needs about {format_bytes(needed)}, with "
            f"{format_bytes(MIN_FREE_BYTES)} left over; make room (orchestrate clean --all) or choose another place"
        )


def shortage(folders: list[Path]) -> str | None:
    """One line about the first folder whose disk has less than MIN_FREE_BYTES free; None if there is no such folder."""
    for folder in folders:
        if (free := free_bytes(folder)) < MIN_FREE_BYTES:
            return (
                f"{folder.absolute()} has {format_bytes(free)} free, less than {format_bytes(MIN_FREE_BYTES)}; "
                "make room (orchestrate clean --all), then the same command goes on"
            )
    return None


@contextmanager
def watch_free_space(folders: list[Path], on_shortage: Callable[[str], None]) -> Iterator[None]:
    """In this context a thread calls `on_shortage` with a message, once, when a disk runs short of space."""

    def report_shortage() -> bool:
        problem = shortage(folders)
        if problem:
            on_shortage(problem)
        return bool(problem)

    with PeriodicThread("disk-space", SECONDS_BETWEEN_CHECKS, report_shortage):
        yield
