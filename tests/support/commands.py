"""The real command in a process of its own, on a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "experiments" / "smoke.yaml"
COMMAND = [str(Path(sys.executable).parent / "orchestrate")]

Done = subprocess.CompletedProcess[str]


def environment() -> dict[str, str]:
    names = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME")
    return {name: value for name, value in os.environ.items() if name not in names}


def orchestrate(*words: str | Path, home: Path, **more: Any) -> Done:
    """Runs `orchestrate ... --home HOME` to its end."""
    command = [*COMMAND, *map(str, words), "--home", str(home)]
    settings = {"capture_output": True, "text": True, "env": environment(), "timeout": 300} | more
    return subprocess.run(command, check=False, **settings)


def start(*words: str | Path, home: Path) -> subprocess.Popen[str]:
    """Starts `orchestrate ... --home HOME` in a process group of its own, as a terminal would."""
    command = [*COMMAND, *map(str, words), "--home", str(home)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )


def trials(name: str, home: Path) -> list[dict[str, Any]]:
    """`orchestrate status NAME --json`."""
    done = orchestrate("status", name, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["trials"]  # type: ignore[no-any-return]
