"""Reads how a sweep runs under Slurm: `slurm:` in the sweep file, or the user's profile of the same form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from orchestrator.errors import did_you_mean, short_repr

KEY = "slurm"
TIME = re.compile(r"\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}")
"""Slurm's own forms: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS."""
LEAST_MINUTES = 10
MEMORY = re.compile(r"\d+[KMGT]")


@dataclass(frozen=True)
class SlurmSettings:
    """What a job asks Slurm for; None: what the partition gives.

    partition, account: names at this site. time: in a form of Slurm's. nodes: how many. cpus, gpus: of each node.
    memory: of each node, such as 16G. options: further words of `#SBATCH`. setup: lines of shell that prepare a node,
    such as `module load cuda`.
    """

    partition: str | None = None
    account: str | None = None
    time: str | None = None
    nodes: int = 1
    cpus: int | None = None
    gpus: int | None = None
    memory: str | None = None
    options: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


OWN_OPTIONS = (
    *("job-name", "partition", "account", "time", "nodes", "ntasks-per-node", "cpus-per-task", "gpus-per-node", "mem"),
    *("array", "signal", "open-mode", "output", "requeue", "no-requeue", "no-kill", "ntasks", "chdir", "parsable"),
    *("-J", "-p", "-A", "-t", "-N", "-c", "-a", "-o", "-n", "-D", "-k"),
)
"""Words of `#SBATCH` that follow from the other settings, or that saving and going on rest on."""
NAMES = [each.name for each in fields(SlurmSettings)]


def check(content: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """(what is right in a mapping, as fields of `SlurmSettings`; key -> what is wrong with it, "" for all of it)."""
    if not isinstance(content, Mapping):
        return {}, {"": f"a mapping is needed, with some of the keys {', '.join(NAMES)}"}
    right, wrong = {}, {}
    for key, value in content.items():
        if key not in NAMES:
            hint = did_you_mean(str(key), NAMES) or f"; known keys: {', '.join(NAMES)}"
            wrong[str(key)] = f"unknown key{hint}"
            continue
        field, message = _field(key, value)
        if message:
            wrong[key] = f"{short_repr(value)} is not allowed; {message}"
        else:
            right[key] = field
    return right, wrong


def merged(profile: Mapping[str, Any], sweep: Mapping[str, Any]) -> SlurmSettings:
    """The settings of a sweep: its own before those of the user's profile."""
    return SlurmSettings(**{**profile, **sweep})


def _field(key: str, value: Any) -> tuple[Any, str]:
    """(the value as the field has it, what would be right if it is wrong or "")."""
    if key in ("nodes", "cpus", "gpus"):
        least = 0 if key == "gpus" else 1
        is_right = isinstance(value, int) and not isinstance(value, bool) and least <= value < 100_000
        return value, "" if is_right else f"write a whole number from {least} on"
    if key in ("options", "setup"):
        lines = [value] if isinstance(value, str) else value
        is_right = isinstance(lines, list) and all(isinstance(line, str) and _is_line(line) for line in lines)
        if is_right and key == "options":
            for line in lines:
                if message := _option_problem(line):
                    return (), message
        example = "[--constraint=a100]" if key == "options" else "[module load cuda]"
        return tuple(lines) if is_right else (), "" if is_right else f"write a list of lines, such as {example}"
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if key == "time":
        if not TIME.fullmatch(text):
            return text, "write minutes, or HH:MM:SS or D-HH:MM:SS in quotes"
        enough = minutes(text) >= LEAST_MINUTES
        return text, "" if enough else f"write {LEAST_MINUTES} minutes or more: the last two are kept for saving"
    if key == "memory":
        return text, "" if MEMORY.fullmatch(text) else "write a size with its unit, such as 16G"
    return text, "" if _is_line(text) and not re.search(r"\s", text) else "write a name without spaces"


def _option_problem(line: str) -> str:
    """What would be right in place of an option of `#SBATCH`; "" if it is."""
    if not line.startswith("-"):
        return "each begins with a dash, such as --constraint=a100"
    name = re.split(r"[=\s]", line)[0]
    if name.removeprefix("--") in OWN_OPTIONS or name[:2] in OWN_OPTIONS:
        return f"{name} is set by the other keys ({', '.join(NAMES[:7])}) or by the command itself; leave it out"
    return ""


def minutes(time: str) -> float:
    """Of a time in one of Slurm's forms."""
    days, _, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if days:  # D-HH, D-HH:MM, D-HH:MM:SS
        hours, mins, seconds = [*parts, 0, 0][:3]
    else:  # MM, MM:SS, HH:MM:SS
        hours, mins, seconds = parts if len(parts) == 3 else [0, *parts, 0][:3]
    return (int(days or 0) * 24 + hours) * 60 + mins + seconds / 60


def _is_line(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()
