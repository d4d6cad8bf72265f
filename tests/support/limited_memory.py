"""Real control groups that limit memory; only who may make one below its own can use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gan_core.memory import CGROUPS, MEMBERSHIP
from support.waiting import wait_until


@contextmanager
def limited_memory(size: int) -> Iterator[Path]:
    """A group below this process's own, whose processes may take so many bytes together. Skips where none can be made.

    At the end its processes must have ended, or end soon.
    """
    folder = _make_group(size)
    if folder is None:
        pytest.skip("this user may not make a control group that limits memory")
    try:
        yield folder
    finally:
        with suppress(FileNotFoundError):  # some machines remove a group once it is empty
            wait_until(lambda: not (folder / "cgroup.procs").read_text(), "the last process of the group has ended")
            folder.rmdir()


def join(group: Path) -> None:
    """From now on this process, and those that it starts, count among the group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _make_group(size: int) -> Path | None:
    for line in MEMBERSHIP.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "memory" in controllers.split(",") or not controllers:
            root, limit = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
            folder = root / own.lstrip("/") / f"test-{os.getpid()}"
            with suppress(OSError):
                folder.mkdir()
                try:
                    (folder / limit).write_text(str(size))
                    return folder
                except OSError:
                    folder.rmdir()
    return None
