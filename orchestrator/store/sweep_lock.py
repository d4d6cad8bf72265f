"""Which command runs a sweep: the one that holds the lock in its folder. The system frees it when the command dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gan_core.files import remove_temporary
from orchestrator import environment
from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError
from orchestrator.store.json_files import read_json, write_json
from orchestrator.store.sweep_folder import SweepFolder, make_home


@contextmanager
def hold(folder: SweepFolder) -> Iterator[None]:
    """The sweep's lock, or UserError with who has it."""
    lock = FileLock(folder.lock_file, timeout=1)
    try:
        make_home(folder.home)
        folder.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        who = holder(folder)
        by = f"process {who['process']} on {who['host']} since {who['since']}" if who else "another process"
        stop = orchestrate_command(f"stop {folder.name}", folder.home)
        raise UserError(f"sweep {folder.name} is being run by {by}; wait for it, or stop it first: {stop}") from None
    except OSError as error:
        raise UserError(f"{folder.folder} cannot be written ({error.strerror}); choose another --home") from None
    try:
        for place in (folder.folder, folder.report_folder):
            remove_temporary(place)
        write_json(folder.holder_file, environment.this_process())
        yield
    finally:
        lock.release()


def holder(folder: SweepFolder) -> dict[str, Any] | None:
    """{process, host, since} of the command that took the lock last; None where it left no word."""
    try:
        found = read_json(folder.holder_file)
    except OSError:
        return None
    return found if isinstance(found, dict) and {"process", "host", "since"} <= found.keys() else None


def is_held(lock_file: Path) -> bool:
    """Whether a process holds this lock at the moment."""
    if not lock_file.exists():
        return False
    try:
        with FileLock(lock_file, timeout=0):
            return False
    except Timeout:
        return True
