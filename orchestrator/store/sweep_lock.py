"""The lock of a sweep: one command at a time runs it. The operating system frees the lock when the command dies."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from gan_core.files import remove_temporary
from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError, cannot_be_written
from orchestrator.store.json_files import read_json_or_none, write_json
from orchestrator.store.sweep_folder import SweepFolder, make_home


@dataclass(frozen=True)
class LockHolder:
    """The command that took a sweep's lock, as `holder.json` names it. `since`: local time."""

    process: int
    host: str
    since: str


@contextmanager
def hold(folder: SweepFolder, beside_parts: bool = False) -> Iterator[None]:
    """Holds the sweep's lock. Raises UserError that names the command which holds it.

    `beside_parts`: although other commands train parts of it.
    """
    lock = FileLock(folder.lock_file, timeout=1)
    make_folder(folder)
    try:
        lock.acquire()
    except Timeout:
        raise _held_by_another(folder) from None
    except OSError as error:
        raise cannot_be_written(folder.folder, error) from None
    try:
        if not beside_parts:
            _refuse_if_in_parts(folder)
        for written_folder in (folder.folder, folder.report_folder):
            remove_temporary(written_folder)
        write_json(folder.holder_file, asdict(this_command()))
        yield
    finally:
        lock.release()


def make_folder(folder: SweepFolder) -> None:
    """Makes the folder of the sweep, and its home. Raises UserError."""
    make_home(folder.home)
    try:
        folder.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_be_written(folder.folder, error) from None


def refuse_if_held(folder: SweepFolder) -> None:
    """Raises UserError that names the command which holds the sweep's lock now, if one does."""
    if is_held(folder.lock_file):
        raise _held_by_another(folder)
    _refuse_if_in_parts(folder)


def _refuse_if_in_parts(folder: SweepFolder) -> None:
    if parts := trained_parts(folder):
        raise UserError(
            f"sweep {folder.name} is trained in parts, and other commands train {', '.join(map(str, parts))} of them "
            "now; wait, or stop these commands first"
        )


def _held_by_another(folder: SweepFolder) -> UserError:
    holder = read_holder(folder)
    command = f"process {holder.process} on {holder.host} since {holder.since}" if holder else "another process"
    stop = orchestrate_command(f"stop {folder.name}", folder.home)
    return UserError(f"sweep {folder.name} is being run by {command}; wait for it, or stop it first: {stop}")


def this_command() -> LockHolder:
    return LockHolder(os.getpid(), platform.node(), time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def holders_of_parts(folder: SweepFolder) -> list[LockHolder]:
    """The commands that train parts of the sweep now, each once."""
    holders = (_read_holder(folder.part_holder_file(number)) for number in trained_parts(folder))
    return list(dict.fromkeys(holder for holder in holders if holder))


def read_holder(folder: SweepFolder) -> LockHolder | None:
    """The command that took the sweep's lock last; None if its file is missing or not understood."""
    return _read_holder(folder.holder_file)


def _read_holder(file: Path) -> LockHolder | None:
    try:
        content = read_json_or_none(file)
        return LockHolder(int(content["process"]), str(content["host"]), str(content["since"]))
    except (OSError, TypeError, KeyError, ValueError):
        return None


def trained_parts(folder: SweepFolder) -> list[int]:
    """The numbers of the parts (`--part`) that commands train now."""
    return [number for number, file in sorted(folder.part_locks().items()) if is_held(file)]


def is_running(folder: SweepFolder) -> bool:
    """Whether a command runs the sweep, or a part of it."""
    return is_held(folder.lock_file) or bool(trained_parts(folder))


def is_held(lock_file: Path) -> bool:
    """Whether a process holds this lock now."""
    if not lock_file.exists():
        return False
    try:
        with FileLock(lock_file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        return _is_held_as_reader_sees(lock_file)


def _is_held_as_reader_sees(lock_file: Path) -> bool:
    """The same for a file that this process may only read: in a home of somebody else, or mounted read-only."""
    with open(lock_file, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
