"""How many workers start with Ray."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_services import warm_workers


@pytest.mark.parametrize(
    ("device", "has_driver", "trials", "count"),
    [
        ("auto", False, 2, 2),
        ("auto", False, 9, 4),
        ("auto", True, 9, 0),  # how many share the GPU is measured first
        ("any", True, 9, 0),
        ("cpu", True, 9, 4),
    ],
)
def test_no_worker_starts_that_has_nothing_to_do(
    device: str, has_driver: bool, trials: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.environment.has_gpu_driver", lambda: has_driver)
    options = SweepOptions(Path("home"), "sqlite://", None, 4, device=device)
    assert warm_workers(options, trials).count == count
