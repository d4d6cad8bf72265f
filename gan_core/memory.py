"""How much memory this process can still get, and how often the kernel has killed a process to free some.

Both of its control group, as of a container, or else of the machine.
"""

from __future__ import annotations

from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
COUNTERS = Path("/proc/vmstat")


def available_memory(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Bytes that can be allocated without swapping and without being killed for it.

    cgroups: where control groups are mounted. membership: the file that names those of this process.
    """
    limits = [_left(folder) for folder in _memory_groups(cgroups, membership)]
    return max(0, min([int(psutil.virtual_memory().available), *(left for left in limits if left is not None)]))


def kills_for_memory(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP, counters: Path = COUNTERS) -> int:
    """How many processes of this one's control group the kernel has killed so far because memory ran out.

    Of the machine, where no control group counts them. counters: the machine's.
    """
    groups = _memory_groups(cgroups, membership)
    files = [group / name for group in groups for name in ("memory.events", "memory.oom_control")]
    for file in (*files, counters):
        try:
            numbers = dict(line.split() for line in file.read_text().splitlines())
            return int(numbers["oom_kill"])
        except (OSError, ValueError, KeyError):
            continue
    return 0


def _memory_groups(cgroups: Path, membership: Path) -> list[Path]:
    """The control groups of this process that may limit its memory, of either version, with all their parents.

    A container may see its own group as the root of what is mounted, under another path than the host's.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    groups = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = cgroups / "memory" if controllers else cgroups
        own = root / path.lstrip("/")
        groups += [own, *(parent for parent in own.parents if parent.is_relative_to(root))]
    return groups


def _left(group: Path) -> int | None:
    """Bytes that this group may still take; pages of files do not count, as the kernel drops them. None: no limit."""
    for limit_file, usage_file in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit, usage = (group / limit_file).read_text().strip(), int((group / usage_file).read_text())
            numbers = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if limit == "max":
            return None
        total = "total_" if "total_inactive_file" in numbers else ""  # version 1: with the groups below
        files = sum(int(numbers.get(f"{total}{kind}_file", 0)) for kind in ("inactive", "active"))
        return int(limit) - usage + files
    return None
