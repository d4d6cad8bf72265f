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


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, the temporary folder of this process and its children, deleted at the end.

    What commands that were killed have left is deleted first.
    """
    _delete_orphans(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"orchestrate-{os.getpid()}-"))
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
        if match and folder.owner() == Path.home().owner() and not _alive(int(match[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
