"""Which workers start with a sweep's Ray."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.commands import ROOT

from orchestrator import environment
from orchestrator.cluster.capacity import Device
from orchestrator.cluster.warm_workers import WarmWorkers
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_services import TRAINABLE, warm_workers


def workers_for(device: Device, trials: int, home: Path) -> WarmWorkers:
    options = SweepOptions(home, "sqlite://", workers=4, device=device)
    return warm_workers(options, trials)


def test_there_are_no_more_than_trials(tmp_path: Path) -> None:
    assert workers_for("cpu", 3, tmp_path) == WarmWorkers(3, TRAINABLE)
    assert workers_for("cpu", 9, tmp_path) == WarmWorkers(4, TRAINABLE)


@pytest.mark.parametrize("device", ["auto", "gpu", "any"])
def test_where_a_gpu_may_be_no_worker_imports_torch_before_ray_has_set_its_threads(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "has_gpu_driver", lambda: True)
    assert not workers_for(device, 9, tmp_path).environment()["RAY_preload_python_modules"]


def test_what_waits_imports_nothing_where_another_version_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as under `python -m orchestrator` in a clone: it would train with the installed version's code."""
    (tmp_path / "installed" / "orchestrator").mkdir(parents=True)
    (tmp_path / "installed" / "orchestrator" / "__init__.py").touch()
    for path, module in (([str(ROOT)], ""), (["/bin", str(ROOT)], TRAINABLE)):
        monkeypatch.setattr(sys, "path", [*path, str(tmp_path / "installed")])
        assert workers_for("cpu", 3, tmp_path) == WarmWorkers(3, module)
