"""GPUs and processors side by side on a real Ray, whose nodes say that they have GPUs; nothing is trained on them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.commands import program, program_environment
from support.tiny import TINY

from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e


def run(name: str, folder: Path, **changes: tuple[str, str]) -> Any:
    """What the program prints at its end. `changes`: of the tiny sweep's text."""
    text = TINY
    for old, new in changes.values():
        text = text.replace(old, new)
    (folder / "tiny.yaml").write_text(text)
    soon = {"period_ms": "500", "timeout_ms": "1000", "failure_threshold": "2"}  # a dead node is noticed in seconds
    settings = {f"RAY_health_check_{setting}": value for setting, value in soon.items()} | {"RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(
        program(name, folder),
        env=program_environment() | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A sweep of 8 trials on two GPUs and a processor, until the GPUs' node dies; later another with a GPU joins."""
    end = run("mixed_devices", tmp_path_factory.mktemp("nodes"), seeds=("[0, 1]", "[0, 1, 2, 3]"))
    assert isinstance(end, dict)
    return end


def test_gpus_and_processors_are_filled_at_once_and_the_longest_trials_get_the_gpus(ran: dict[str, Any]) -> None:
    gpu_node, cpu_node = ran["nodes"]
    first = {start["key"]: start for start in ran["starts"][:3]}
    assert set(first) == set(ran["order"][:3])
    for key in ran["order"][:2]:
        assert (first[key]["node"], first[key]["gpus"]) == (gpu_node, 1)
    assert (first[ran["order"][2]]["node"], first[ran["order"][2]]["gpus"]) == (cpu_node, 0)


def test_trials_of_a_dead_node_with_gpus_go_on_first_on_the_processor_that_is_left(ran: dict[str, Any]) -> None:
    cpu_node = ran["nodes"][1]
    assert set(ran["lost"]) == set(ran["order"][:2])
    restarts = ran["starts"][3:5]
    assert {start["key"] for start in restarts} == set(ran["lost"])
    assert [(start["node"], start["resources"]) for start in restarts] == [(cpu_node, {"CPU": 1.0})] * 2


def test_a_gpu_of_a_node_that_joins_is_used(ran: dict[str, Any]) -> None:
    joined = ran["starts"][5]
    assert joined["node"] not in ran["nodes"]
    assert (joined["key"], joined["gpus"]) == (ran["order"][3], 1)


def test_a_trial_whose_node_dies_before_its_worker_begins_goes_elsewhere(tmp_path: Path) -> None:
    assert run("vanished_node", tmp_path, seeds=("[0, 1]", "[0]")) == 2
    files = list(tmp_path.glob("home/sweeps/tiny/trials/*/record.json"))
    records = [SweepFolder(tmp_path / "home", "tiny").trial(file.parent.name).record() for file in files]
    assert [record.status for record in records] == ["finished", "finished"]
