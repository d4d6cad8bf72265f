"""Real small file systems to fill up; only root of this machine, or of a user namespace, may mount them."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

MakeDisk = Callable[[str], Path]


def _mount(*words: str | Path) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here ({done.stderr.strip()}); unshare -rm python -m pytest runs these as root")


@contextmanager
def _unmounting(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def small_disks(folder: Path) -> Iterator[MakeDisk]:
    """Makes file systems of a size such as "8m" in this folder."""
    with ExitStack() as mounted:

        def make(size: str) -> Path:
            place = folder / f"disk-{size}"
            place.mkdir()
            _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", place)
            mounted.enter_context(_unmounting(place))
            return place

        yield make


@contextmanager
def full(folder: Path, left: int = 0) -> Iterator[None]:
    """Only so many bytes (in whole pages) are free meanwhile."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        os.truncate(filler, max(0, filler.stat().st_size - left))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    _mount("--bind", folder, folder)
    with _unmounting(folder):
        _mount("-o", "remount,bind,ro", folder)
        yield
