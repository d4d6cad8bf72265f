"""How a command is called from here, as messages name it: with the home folder and the settings that it needs."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.store import SweepFolder


def command_name() -> str:
    """`orchestrate` if the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if called.name != "orchestrate" or shutil.which(called.name) or called.parent in (Path(), Path(".")):
        return "orchestrate"
    return os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)


def command(words: str, home: Path) -> str:
    """`orchestrate <words>`, with `--home` where the home folder is not the one that would be taken."""
    usual = Path(os.environ.get("ORCHESTRATE_HOME") or "runs").absolute()
    where = "" if home.absolute() == usual else f" --home {shlex.quote(str(home))}"
    return f"{command_name()} {words}{where}"


def sweep_command(file: str | Path, overrides: Sequence[str], home: Path, verb: str = "sweep") -> str:
    """The `orchestrate sweep` (or another verb) that asks for the same trials again."""
    settings = "".join(f" --set {shlex.quote(override)}" for override in overrides)
    return command(f"{verb} {shlex.quote(str(file))}{settings}", home)


def sweep_again(folder: SweepFolder) -> str:
    """The command that goes on with a sweep of a home folder. Raises UserError if there is no such sweep."""
    asked = folder.sweep()
    return sweep_command(asked["file"], asked["overrides"], folder.home)
