"""How many workers start with Ray, and what they import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.commands import ROOT

from orchestrator.cluster.warm_workers import WarmWorkers
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_services import TRAINABLE, warm_workers


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


@pytest.mark.parametrize("device", ["auto", "gpu", "any"])
def test_where_a_gpu_may_be_no_worker_imports_torch_before_ray_has_set_its_threads(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.environment.has_gpu_driver", lambda: True)
    options = SweepOptions(Path("home"), "sqlite://", None, 4, device=device)
    assert not warm_workers(options, 9).module


def test_what_waits_imports_nothing_where_another_version_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as under `python -m orchestrator` in a clone: it would train with the installed version's code."""
    (tmp_path / "installed" / "orchestrator").mkdir(parents=True)
    (tmp_path / "installed" / "orchestrator" / "__init__.py").touch()
    for path, module in (([str(ROOT)], ""), (["/bin", str(ROOT)], TRAINABLE)):
        monkeypatch.setattr(sys, "path", [*path, str(tmp_path / "installed")])
        assert warm_workers(SweepOptions(Path("home"), "sqlite://", None, 4, device="cpu"), 3) == WarmWorkers(3, module)
