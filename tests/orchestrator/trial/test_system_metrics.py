"""What the worker and its machine did while a trial trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from support.mirrors import mirror_of
from support.tiny import execution_of

from orchestrator.planning.plan import Plan
from orchestrator.trial.system_metrics import SystemMeter


def test_the_names_are_mlflows_own() -> None:
    monitor = CPUMonitor()
    monitor.collect_metrics()
    assert {f"system/{name}" for name in monitor.aggregate_metrics()} <= SystemMeter(torch.device("cpu")).read().keys()


def test_a_busy_worker_shows_as_busy() -> None:
    meter = SystemMeter(torch.device("cpu"))
    kept = torch.ones(30_000_000)  # 120 MB
    until = meter.process.cpu_times().user + 0.2
    while meter.process.cpu_times().user < until:
        kept.add_(1)
    read = meter.read()
    assert read["system/worker_cpu_percentage"] > 0
    assert read["system/worker_memory_megabytes"] > 120
    assert 0 < read["system/system_memory_usage_percentage"] <= 100


def test_asked_for_they_arrive_in_mlflow_at_the_steps_of_the_windows(
    tiny_plan: Callable[[], Plan], tmp_path: Path
) -> None:
    plan = tiny_plan()
    for planned, wanted in zip(plan.trials[:2], (True, False), strict=True):
        execution = execution_of(plan, planned, system_metrics=wanted)
        execution.begin()
        execution.advance()
    mirror = mirror_of(plan, tmp_path)
    mirror.open()
    mirror.sync()
    with_them, without = (mirror.children[planned.key].run_id for planned in plan.trials[:2])
    history = mirror.client.get_metric_history(with_them, "system/worker_memory_megabytes")
    assert [point.step for point in history] == [2, 4, 6, 8]
    assert all(point.value > 0 for point in history)
    assert not [name for name in mirror.client.get_run(without).data.metrics if name.startswith("system/")]
