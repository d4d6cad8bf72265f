"""A clock that is set back or forth changes the times that are shown and nothing else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
import torch
from support.mirrors import synced_mirror
from support.tiny import run_some_steps, run_to_end

from gan_core import checkpoint
from orchestrator.planning.plan import Plan
from orchestrator.report.write_report import write_report

MakePlan = Callable[[], Plan]
HOUR = 3600 * 10**9
JUMPS = (0, -24 * HOUR, 1000 * HOUR, -1, 24 * HOUR)


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every look at the clock finds it somewhere else."""
    real, jumps = time.time_ns, cycle(JUMPS)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: real() + next(jumps))
        patch.setattr(time, "time", lambda: time.time_ns() / 10**9)
        yield


@pytest.mark.usefixtures("jumping", "without_pictures")
def test_a_trial_under_a_jumping_clock_ends_like_any_other(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    run_some_steps(plan, plan.trials[0], 3).suspend()
    folder = run_to_end(plan, plan.trials[0]).folder
    record, history, weights = folder.record(), folder.history(), checkpoint.load(folder.checkpoint_file)["generator"]
    assert record.status == "finished"
    assert 0 < record.seconds < 3600
    assert all(0 < row.get("speed/images_per_second", 1) < 10**7 for row in history)
    mirror = synced_mirror(plan, tmp_path)
    answer = write_report(mirror.uri, ["tiny"], tmp_path / "report")
    assert answer.lines
    run = mirror.client.get_run(mirror.children[folder.key].run_id)
    points = mirror.client.get_metric_history(run.info.run_id, "loss/generator")
    assert sorted(point.step for point in points) == [2, 4, 6, 8]
    shutil.rmtree(folder.folder)
    calm = run_to_end(plan, plan.trials[0]).folder
    assert [row["step"] for row in calm.history()] == [row["step"] for row in history]
    assert all(torch.equal(weights[k], v) for k, v in checkpoint.load(calm.checkpoint_file)["generator"].items())
