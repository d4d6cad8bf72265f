"""A disk that takes nothing more: told apart from other errors, and looked for before it stops a write."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.formatting import format_bytes
from orchestrator.periodic import PeriodicThread

TAKES_NOTHING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
}
FLOOR = 200 * 1000**2
"""Bytes. With less than this free a sweep does not start and a running one stops, while everything can be saved."""
SECONDS_BETWEEN_LOOKS = 10.0


def is_full(error: BaseException) -> bool:
    """Whether a write failed because the disk is full, read-only or out of quota: other trials would fail as well."""
    return isinstance(error, OSError) and error.errno in TAKES_NOTHING


def explain(error: OSError, folder: Path) -> str:
    """One line: what is wrong and what would be right."""
    what = TAKES_NOTHING.get(error.errno or 0, str(error.strerror))
    remedy = "make it writable" if error.errno == errno.EROFS else "make room (orchestrate clean --all)"
    return f"{what}: {error.filename or folder} cannot be written; {remedy}, then the same command goes on"


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """What would be a traceback about a disk that takes nothing becomes a UserError."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise UserError(explain(error, folder)) from None


def free(folder: Path) -> int:
    """Bytes free where the folder is or will be."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return shutil.disk_usage(there).free


def check_room(folder: Path, needed: int) -> None:
    """Raises UserError where less than `needed` bytes and the floor are free."""
    there = free(folder)
    if there < needed + FLOOR:
        raise UserError(
            f"{folder.absolute()} has {format_bytes(there)} free and this needs about {format_bytes(needed)}, with "
            f"{format_bytes(FLOOR)} left over; make room (orchestrate clean --all) or choose another place"
        )


def too_little(folders: list[Path]) -> str | None:
    """One line if a folder's disk is below the floor."""
    for folder in folders:
        if (there := free(folder)) < FLOOR:
            return (
                f"{folder.absolute()} has {format_bytes(there)} free, less than {format_bytes(FLOOR)}; "
                "make room (orchestrate clean --all), then the same command goes on"
            )
    return None


@contextmanager
def watched(folders: list[Path], halt: Callable[[str], None]) -> Iterator[None]:
    """Meanwhile `halt` is called, once and from another thread, when room becomes short."""

    def halt_if_short() -> bool:
        problem = too_little(folders)
        if problem:
            halt(problem)
        return bool(problem)

    with PeriodicThread("disk-space", SECONDS_BETWEEN_LOOKS, halt_if_short):
        yield
