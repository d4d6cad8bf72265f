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
    parent = tempfile.gettempdir()
    if len(parent) > LONGEST_PARENT and os.access("/tmp", os.W_OK):
        parent = "/tmp"
    _delete_orphans(Path(parent))
    folder = Path(tempfile.mkdtemp(prefix=f"orchestrate-{os.getpid()}-", dir=parent))
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


def _delete_orphans(parent: Path) -> None:
    for folder in parent.glob("orchestrate-*-*"):
        match = _NAME.match(folder.name)
        if match and _is_mine(folder) and not _alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)


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
