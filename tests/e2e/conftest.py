"""Homes in which the real command has run; all xdist workers share them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from support.commands import SMOKE, Done, orchestrate
from support.endings import train_alone


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all xdist workers share."""
    folder = factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A home in which the smoke sweep ran to its end, and what the command printed.

    The first xdist worker that needs it runs the command; all of them look at its home.
    """
    folder = shared_folder(tmp_path_factory)
    home, output = folder / "undisturbed", folder / "undisturbed.json"
    with FileLock(folder / "undisturbed.lock"):
        if not output.exists():
            done = orchestrate("sweep", SMOKE, home=home)
            output.write_text(json.dumps([done.args, done.returncode, done.stdout, done.stderr]))
    return home, Done(*json.loads(output.read_text()))


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the longer sweep's trials, trained one after the other in this process, without Ray or MLflow."""
    home = shared_folder(tmp_path_factory) / "reference"
    with FileLock(home.with_suffix(".lock")):
        if not home.exists():
            train_alone(home)
    return home


@pytest.fixture
def one_trial(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a sweep of one small trial, with more settings for it, and gives its file."""

    def write(settings: str = "") -> Path:
        file = tmp_path / "one.yaml"
        file.write_text(
            "sweep: one\ntrial: {steps: 6, log_every: 2, batch_size: 8, model: {width: 4}, "
            f"evaluation: {{every: 3, samples: 80, features: random}}{settings}}}\ngroups:\n  - name: dcgan\n"
        )
        return file

    return write
