"""Each check of `orchestrate doctor` tells well from ill, and what to do."""

from __future__ import annotations

import pytest

from orchestrator.commands import doctor_checks
from orchestrator.commands.doctor_checks import GB, Check

LIMIT = "raised to 4096"
CASES: list[tuple[Check, str, str]] = [
    (doctor_checks.python((3, 11), "3.11.7"), "ok", ""),
    (doctor_checks.python((3, 13), "3.13.0"), "ok", ""),
    (doctor_checks.python((3, 14), "3.14.0"), "wrong", "3.11 to 3.13"),
    (doctor_checks.python((3, 10), "3.10.1"), "wrong", "3.11 to 3.13"),
    (doctor_checks.torch("2.15", 2, True), "ok", ""),
    (doctor_checks.torch("2.15", 2, False), "ok", ""),
    (doctor_checks.torch(None, 0, False, "no module"), "wrong", "constraints.txt"),
    (doctor_checks.gpu([], 0, built_for_gpu=False, driver=False), "ok", ""),
    (doctor_checks.gpu(["H100"], 80 * GB, built_for_gpu=True, driver=True), "ok", ""),
    (doctor_checks.gpu([], 0, built_for_gpu=False, driver=True), "warning", "nvidia-smi"),
    (doctor_checks.cuda_mps("/tmp/nvidia-mps", runs=True, other_user=""), "ok", ""),
    (doctor_checks.cuda_mps("/tmp/nvidia-mps", runs=False, other_user=""), "ok", ""),
    (doctor_checks.cuda_mps("/tmp/nvidia-mps", runs=True, other_user="ada"), "warning", "CUDA_MPS_PIPE_DIRECTORY"),
    (doctor_checks.ray("2.60", None, ""), "ok", ""),
    (doctor_checks.ray("2.60", "127.0.0.1:1", "nothing answers"), "wrong", "RAY_ADDRESS"),
    (doctor_checks.ray(None, None, ""), "wrong", "pip install"),
    (doctor_checks.disk("disk", "x", 50 * GB, 100 * GB), "ok", ""),
    (doctor_checks.disk("disk", "x", 3 * GB, 10 * GB), "warning", "orchestrate clean"),
    (doctor_checks.disk("disk", "x", 30 * GB, 1000 * GB), "warning", "95%"),
    (doctor_checks.disk("disk", "x", GB // 2, 100 * GB), "wrong", "orchestrate clean"),
    (doctor_checks.shared_memory(GB, GB), "ok", ""),
    (doctor_checks.shared_memory(None, GB), "ok", ""),
    (doctor_checks.shared_memory(64 * 1000**2, GB + 1), "warning", "--shm-size=2g"),
    (doctor_checks.tracking("sqlite:///x", ""), "ok", ""),
    (doctor_checks.tracking("sqlite:///x", caution=("moved", "orchestrate sync")), "warning", "orchestrate sync"),
    (doctor_checks.tracking("http://x", "does not answer"), "wrong", "MLFLOW_TRACKING_URI"),
    (doctor_checks.data(["digits"], []), "ok", ""),
    (doctor_checks.data(["digits"], ["mnist"]), "warning", "datasets prepare mnist"),
    (doctor_checks.permissions("home", "x", ""), "ok", ""),
    (doctor_checks.permissions("home", "x", "Permission denied"), "wrong", "--home"),
    (doctor_checks.open_files(1024, 65536), "ok", ""),
    (doctor_checks.open_files(1024, 2048), "warning", LIMIT),
    (doctor_checks.open_files(256, 256), "wrong", LIMIT),
]


@pytest.mark.parametrize(("check", "state", "to_do"), CASES, ids=[f"{c.name} {c.found}" for c, _, _ in CASES])
def test_a_check_says_how_it_is_and_what_to_do(check: Check, state: str, to_do: str) -> None:
    assert check.state == state
    assert to_do in check.to_do
    assert bool(check.to_do) == (state != "ok")


def test_a_machine_without_bfloat16_units_is_told_what_it_computes_in() -> None:
    assert "float32" in doctor_checks.torch("2.15", 2, False).found
    assert "bfloat16 units" in doctor_checks.torch("2.15", 2, True).found


def test_without_mps_the_check_says_what_that_means_and_what_starts_it() -> None:
    found = doctor_checks.cuda_mps("/tmp/nvidia-mps", runs=False, other_user="").found
    assert "take turns" in found
    assert "nvidia-cuda-mps-control -d" in found
