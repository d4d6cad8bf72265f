"""How much memory is left: what the machine has, or the control group of this process, if that is less."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest
from support.commands import program, program_environment
from support.limited_memory import limited_memory

from gan_core.memory import available_memory, kills_for_memory

MEGABYTE = 10**6


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


def run(command: list[str]) -> str:
    """What it prints."""
    environment = program_environment()
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=100).stdout


def test_a_process_in_a_real_control_group_knows_its_limit() -> None:
    with limited_memory(500 * MEGABYTE) as group_folder:
        output = run(program("available_memory", group_folder))
    assert 400 * MEGABYTE < int(output) <= 500 * MEGABYTE


def test_a_kill_by_the_kernel_for_memory_is_counted_in_a_real_control_group() -> None:
    with limited_memory(500 * MEGABYTE) as group_folder:
        output = run(program("killed_for_memory", group_folder, str(700 * MEGABYTE)))
    assert output.split() == ["0", "-9", "1"]


def kills(folder: Path, membership: str) -> int:
    (folder / "membership").write_text(membership)
    (folder / "counters").write_text("pgfault 3\noom_kill 7\n")
    return kills_for_memory(folder / "cgroup", folder / "membership", folder / "counters")


@pytest.mark.parametrize(
    ("file", "content", "count"),
    [
        ("a/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n", 2),
        ("memory/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", 4),
        ("memory/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 7),  # Linux before 4.13
        ("a/memory.events", "damaged", 7),
    ],
)
def test_kills_for_memory_are_those_of_the_group_or_of_the_machine(
    file: str, content: str, count: int, tmp_path: Path
) -> None:
    path = tmp_path / "cgroup" / file
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert kills(tmp_path, "4:memory:/b\n0::/a\n") == count
    assert kills_for_memory(tmp_path / "none", tmp_path / "none", tmp_path / "none") == 0
