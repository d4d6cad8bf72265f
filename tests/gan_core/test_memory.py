"""How much memory is left: what the machine has, or the control group of this process, if that is less."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gan_core.memory import CGROUPS, MEMBERSHIP, available_memory

MEGABYTE = 10**6
JOIN_AND_ASK = """
import os, sys
from pathlib import Path
from gan_core.memory import available_memory
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
print(available_memory())
"""


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 100 MB left."""
    memory = psutil.virtual_memory()._replace(available=100 * MEGABYTE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def group(folder: Path, limit: str, used: int, files: int, version: int = 2) -> None:
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    total = "" if version == 2 else "total_"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    stat = f"{total}inactive_file {files // 2}\n{total}active_file {files - files // 2}\nanon 1\n"
    (folder / "memory.stat").write_text(stat if version == 2 else f"inactive_file 1\nactive_file 1\n{stat}")


def available(folder: Path, membership: str) -> int:
    (folder / "membership").write_text(membership)
    return available_memory(folder / "cgroup", folder / "membership") // MEGABYTE


def test_without_control_groups_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none", tmp_path / "none") == 100 * MEGABYTE
    assert available(tmp_path, "0::/\n") == 100


def test_the_group_counts_without_the_pages_of_files(tmp_path: Path) -> None:
    group(tmp_path / "cgroup" / "a" / "b", str(50 * MEGABYTE), 40 * MEGABYTE, 15 * MEGABYTE)
    assert available(tmp_path, "0::/a/b\n") == 25


def test_the_narrowest_of_the_groups_above_counts(tmp_path: Path) -> None:
    group(tmp_path / "cgroup" / "a" / "b", "max", 40 * MEGABYTE, 0)
    group(tmp_path / "cgroup" / "a", str(60 * MEGABYTE), 40 * MEGABYTE, 0)
    assert available(tmp_path, "0::/a/b\n") == 20


def test_a_container_that_sees_its_group_as_the_root(tmp_path: Path) -> None:
    group(tmp_path / "cgroup", str(30 * MEGABYTE), 10 * MEGABYTE, 0)
    assert available(tmp_path, "0::/\n") == 20
    assert available(tmp_path, "0::/docker/not-mounted-here\n") == 20


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    group(tmp_path / "cgroup" / "memory" / "a", str(50 * MEGABYTE), 40 * MEGABYTE, 10 * MEGABYTE, version=1)
    assert available(tmp_path, "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n") == 20


def test_a_group_that_is_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    group(tmp_path / "cgroup" / "a", str(MEGABYTE), 2 * MEGABYTE, 0)
    assert available(tmp_path, "0::/a\n") == 0


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A real control group below our own, in which processes may take 500 MB together."""
    for line in MEMBERSHIP.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "memory" in controllers.split(",") or not controllers:
            root, limit = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
            folder = root / own.lstrip("/") / f"test-{os.getpid()}"
            with suppress(OSError):
                folder.mkdir()
                try:
                    (folder / limit).write_text(str(500 * MEGABYTE))
                    yield folder
                    return
                finally:
                    folder.rmdir()
    pytest.skip("this user may not make a control group that limits memory")


def test_a_process_in_a_real_control_group_knows_its_limit(limited_group: Path) -> None:
    command = [sys.executable, "-c", JOIN_AND_ASK, str(limited_group)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    assert 400 * MEGABYTE < int(output) <= 500 * MEGABYTE
