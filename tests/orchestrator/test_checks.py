"""Each check of `orchestrate doctor` tells well from ill, and what to do."""

from __future__ import annotations

import pytest

from orchestrator import checks
from orchestrator.checks import GB, Check

LIMIT = "raised to 4096"
CASES: list[tuple[Check, str, str]] = [
    (checks.python((3, 11), "3.11.7"), "ok", ""),
    (checks.python((3, 13), "3.13.0"), "ok", ""),
    (checks.python((3, 14), "3.14.0"), "wrong", "3.11 to 3.13"),
    (checks.python((3, 10), "3.10.1"), "wrong", "3.11 to 3.13"),
    (checks.torch("2.15", 2, True), "ok", ""),
    (checks.torch("2.15", 2, False), "ok", ""),
    (checks.torch(None, 0, False, "no module"), "wrong", "constraints.txt"),
    (checks.gpu([], 0, built_for_gpu=False, driver=False), "ok", ""),
    (checks.gpu(["H100"], 80 * GB, built_for_gpu=True, driver=True), "ok", ""),
    (checks.gpu([], 0, built_for_gpu=False, driver=True), "warning", "nvidia-smi"),
    (checks.ray("2.60", None, ""), "ok", ""),
    (checks.ray("2.60", "127.0.0.1:1", "nothing answers"), "wrong", "RAY_ADDRESS"),
    (checks.ray(None, None, ""), "wrong", "pip install"),
    (checks.disk("disk", "x", 50 * GB, 100 * GB), "ok", ""),
    (checks.disk("disk", "x", 3 * GB, 10 * GB), "warning", "orchestrate clean"),
    (checks.disk("disk", "x", 30 * GB, 1000 * GB), "warning", "95%"),
    (checks.disk("disk", "x", GB // 2, 100 * GB), "wrong", "orchestrate clean"),
    (checks.shared_memory(GB, GB), "ok", ""),
    (checks.shared_memory(None, GB), "ok", ""),
    (checks.shared_memory(64 * 1000**2, GB + 1), "warning", "--shm-size=2g"),
    (checks.tracking("sqlite:///x", ""), "ok", ""),
    (checks.tracking("http://x", "does not answer"), "wrong", "MLFLOW_TRACKING_URI"),
    (checks.data(["digits"], []), "ok", ""),
    (checks.data(["digits"], ["mnist"]), "warning", "datasets prepare mnist"),
    (checks.permissions("home", "x", ""), "ok", ""),
    (checks.permissions("home", "x", "Permission denied"), "wrong", "--home"),
    (checks.open_files(1024, 65536), "ok", ""),
    (checks.open_files(1024, 2048), "warning", LIMIT),
    (checks.open_files(256, 256), "wrong", LIMIT),
]


@pytest.mark.parametrize(("check", "state", "to_do"), CASES, ids=[f"{c.name} {c.found}" for c, _, _ in CASES])
def test_a_check_says_how_it_is_and_what_to_do(check: Check, state: str, to_do: str) -> None:
    assert check.state == state
    assert to_do in check.to_do
    assert bool(check.to_do) == (state != "ok")


def test_a_machine_without_bfloat16_units_is_told_what_it_computes_in() -> None:
    assert "float32" in checks.torch("2.15", 2, False).found
    assert "bfloat16 units" in checks.torch("2.15", 2, True).found
