"""A small sweep and its plan, on a home folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny import TINY

from orchestrator.planning.plan import Plan, make_plan
from orchestrator.report import static_figures
from orchestrator.sweepfile import loader


@pytest.fixture
def tiny_plan(tmp_path: Path) -> Callable[[], Plan]:
    """Plans the tiny sweep anew each time it is called."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return lambda: make_plan(loader.load(file), tmp_path / "home")


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without the pictures of report.md, which take matplotlib most of a small report's time."""
    monkeypatch.setattr(static_figures, "write", lambda content, folder: {})
