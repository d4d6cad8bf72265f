"""Opens files that a user named, and nothing else: a pipe would wait for ever, and a device has no end."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class NotRegularFile(ValueError):
    """The message says what the path is instead: `a pipe, not a file`."""


def open_regular(path: Path) -> BufferedReader:
    """The file, opened to be read. Raises NotRegularFile at once for anything else, and OSError like `open`."""
    _check(os.stat(path))  # before `open`, because opening a device can act on it
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in its place by now would wait for a writer
    try:
        _check(os.fstat(descriptor))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(path: Path) -> None:
    """Raises NotRegularFile unless `path` is a regular file, or a link to one. Raises OSError if it is not there."""
    _check(os.stat(path))


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularFile(f"{KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, not a file")
