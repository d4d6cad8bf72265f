"""One temporary folder per command: for Ray's session, Tune's files and whatever their workers write."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"orchestrate-(\d+)-")
_locks: dict[Path, int] = {}
"""Folder -> descriptor that holds its lock as long as this process lives."""
MAX_PARENT_LENGTH = 12
"""Characters. The paths of Ray's sockets are up to 95 longer, and the system allows 107 (103 on macOS)."""


@contextmanager
def command_temp_folder() -> Iterator[Path]:
    """Makes the temporary folder of this process and its children, and deletes it at the end.

    Ray lets everybody write into the folder that it is given, and to its sockets. So it is given a folder below one
    that only this user can reach.
    """
    folder = private_folder() / "r"
    folder.mkdir()
    earlier_default, tempfile.tempdir = tempfile.tempdir, str(folder)
    earlier_variable = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = earlier_default
        if earlier_variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = earlier_variable
        delete_with_parent(folder)


def private_folder() -> Path:
    """A new folder that only this user can reach. It is an orphan as soon as this process has ended.

    Orphans are deleted first.
    """
    for orphan in orphaned_folders():
        shutil.rmtree(orphan, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"orchestrate-{os.getpid()}-", dir=temp_parent()))
    _locks[folder] = os.open(folder, os.O_RDONLY)
    fcntl.flock(_locks[folder], fcntl.LOCK_EX)
    return folder


def delete_with_parent(folder: Path) -> None:
    """Delete the temporary folder of a command, and the private folder around it."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    if (lock := _locks.pop(folder.parent, None)) is not None:
        os.close(lock)


def temp_parent() -> Path:
    """The folder that holds the temporary folders of commands: the system's, or /tmp if that path is too long."""
    parent = Path(tempfile.gettempdir())
    return Path("/tmp") if len(str(parent)) > MAX_PARENT_LENGTH and os.access("/tmp", os.W_OK) else parent


def orphaned_folders() -> list[Path]:
    """The temporary folders of this user's commands that were killed."""
    matches = ((folder, _NAME.match(folder.name)) for folder in sorted(temp_parent().glob("orchestrate-*-*")))
    return [
        folder
        for folder, match in matches
        if match and _is_own(folder) and not _is_running(int(match[1])) and not _is_locked(folder)
    ]


def _is_own(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _is_locked(folder: Path) -> bool:
    """Whether its process lives, also where its id means nothing: in another container that shares this folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return True  # it has just gone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
