"""Homes in which the real command has run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from support.commands import SMOKE, Done, orchestrate
from support.endings import LONGER


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A home in which the smoke sweep ran to its end, and what the command said."""
    home = tmp_path_factory.mktemp("undisturbed")
    return home, orchestrate("sweep", SMOKE, home=home)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the longer sweep ran to its end, undisturbed."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # all of them look at the one that the first has made, and change nothing
        folder = folder.parent
    home, made = folder / "reference", folder / "reference-made"
    with FileLock(folder / "reference.lock"):
        if not made.exists():
            done = orchestrate("sweep", SMOKE, *LONGER, home=home)
            assert done.returncode == 0, done.stdout + done.stderr
            made.touch()
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
