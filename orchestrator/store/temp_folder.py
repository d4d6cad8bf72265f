"""One folder for everything temporary of a command: Ray's session, Tune's bookkeeping, what their workers leave."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"orchestrate-(\d+)-")
LONGEST_PARENT = 15
"""Ray's sockets lie 85 characters further down, and the system allows 107 (103 on macOS)."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, the temporary folder of this process and its children, deleted at the end.

    What commands that were killed have left is deleted first.
    """
    for orphan in orphans():
        shutil.rmtree(orphan, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"orchestrate-{os.getpid()}-", dir=parent_folder()))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    environment = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if environment is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = environment
        shutil.rmtree(folder, ignore_errors=True)


def parent_folder() -> Path:
    """Where the temporary folders of commands lie."""
    parent = Path(tempfile.gettempdir())
    return Path("/tmp") if len(str(parent)) > LONGEST_PARENT and os.access("/tmp", os.W_OK) else parent


def orphans() -> list[Path]:
    """The temporary folders of this user's commands that were killed."""
    named = ((folder, _NAME.match(folder.name)) for folder in sorted(parent_folder().glob("orchestrate-*-*")))
    return [folder for folder, match in named if match and _is_mine(folder) and not _alive(int(match[1]))]


def _is_mine(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
