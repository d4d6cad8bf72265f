"""The command line: the real command in a process of its own, or the same code in the process of the test."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from orchestrator.cli.app import run_command

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "experiments" / "smoke.yaml"
COMMAND = [str(Path(sys.executable).parent / "orchestrate")]
PROGRAMS = Path(__file__).parent / "programs"
PLUGINS = Path(__file__).parent / "plugins"

Done = subprocess.CompletedProcess[str]


def environment() -> dict[str, str]:
    """This process's environment without what would lead a command to another home, Ray or MLflow."""
    names = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME")
    return {name: value for name, value in os.environ.items() if name not in names}


def orchestrate(*words: str | Path, home: Path, **more: Any) -> Done:
    """Run `orchestrate ... --home HOME` to its end in a process of its own, which takes seconds to start."""
    command = [*COMMAND, *map(str, words), "--home", str(home)]
    settings: dict[str, Any] = {"capture_output": True, "text": True, "env": environment(), "timeout": 300} | more
    return subprocess.run(command, check=False, **settings)


def invoke(*words: str | Path, home: Path | None = None) -> Done:
    """Run `orchestrate ... --home HOME` in this process: for commands that start no Ray and get no signal.

    home: None for the default, `runs` in the current folder.
    """
    arguments = [*map(str, words), *([] if home is None else ["--home", str(home)])]
    with (
        patch.dict(os.environ, environment(), clear=True),
        patch.object(sys, "argv", ["orchestrate", *arguments]),
        patch("orchestrator.signals.exit_on_signals"),  # signals stay pytest's
        redirect_stdout(io.StringIO()) as output,
        redirect_stderr(io.StringIO()) as errors,
    ):
        code = run_command(arguments)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def start(*words: str | Path, home: Path) -> subprocess.Popen[str]:
    """Start `orchestrate ... --home HOME` in a process group of its own, as a terminal would."""
    command = [*COMMAND, *map(str, words), "--home", str(home)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )


def program(name: str, *words: str | Path) -> list[str]:
    """The command that runs one of `support/programs/`."""
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, words)]


def program_environment() -> dict[str, str]:
    """For a program, or a Ray worker of one, that imports `support`."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def trials(name: str, home: Path) -> list[dict[str, Any]]:
    """`orchestrate status NAME --json`."""
    done = invoke("status", name, "--json", home=home)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["trials"]
    return rows
