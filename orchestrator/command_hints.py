"""How a command is called from here, as messages name it: with the home folder and the settings that it needs.

What is said by a job is read outside of the cluster: there a command needs the cluster's address, and files have the
names that they have there.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OUTSIDE = "ORCHESTRATE_OUTSIDE"
"""Set for a job: JSON of the cluster's `address` as it was given outside, and of `files`: name here -> name there."""
REMOTE_COMMANDS = ("sweep", "plan", "status", "logs", "stop", "report", "sync", "doctor")
"""The commands that take --address."""


def outside(address: str, files: Sequence[str]) -> dict[str, str]:
    """The variable for a job of who is outside. `files`: those that are sent along, and lie there under their names."""
    return {OUTSIDE: json.dumps({"address": address, "files": {Path(file).name: file for file in files}})}


def _outside() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(os.environ.get(OUTSIDE, "{}"))
    return found


def where_from(file: str) -> str:
    """The name that a file has for who gave it to the command."""
    return str(_outside().get("files", {}).get(file, file))


def command_name() -> str:
    """`orchestrate` if the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != "orchestrate" or shutil.which(called.name) or called.parent in (Path(), Path(".")):
        return "orchestrate"
    return os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)


def command(words: str, home: Path) -> str:
    """`orchestrate <words>`, with `--home` where the home folder is not the one that would be taken.

    Said by a job also with `--address`; what cannot be asked from outside is to be typed on the head.
    """
    usual = Path(os.environ.get("ORCHESTRATE_HOME") or "runs").absolute()
    where = "" if home.absolute() == usual else f" --home {shlex.quote(str(home))}"
    said = f"{command_name()} {words}{where}"
    if address := _outside().get("address"):
        return (
            f"{said} --address {shlex.quote(address)}"
            if words.split()[0] in REMOTE_COMMANDS
            else f"{said} (on the head)"
        )
    return said


def sweep_command(file: str | Path, overrides: Sequence[str], home: Path, verb: str = "sweep") -> str:
    """The `orchestrate sweep` (or another verb) that asks for the same trials again."""
    settings = "".join(f" --set {shlex.quote(override)}" for override in overrides)
    return command(f"{verb} {shlex.quote(where_from(str(file)))}{settings}", home)


def resume_command(asked: Mapping[str, Any], home: Path) -> str:
    """The command that goes on with a sweep. `asked`: the sweep as last asked for, `SweepFolder.sweep()`."""
    return sweep_command(asked["file"], asked["overrides"], home)
