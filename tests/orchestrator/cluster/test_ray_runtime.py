"""A local Ray that does not start is tried once more, and is then the machine's failure, not the request's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import ray
from support.commands import invoke
from support.waiting import wait_until

from orchestrator.cluster.ray_runtime import Cluster
from orchestrator.errors import ServiceError, UserError

TIMED_OUT = "The current node timed out during startup."
LAST_WORDS = "the raylet could not bind"
STACK = """    @     0x55ffe8e00cb7       3392  (unknown)
    /lib/x86_64-linux-gnu/libc.so.6(+0x2724a) [0x7f319d04524a]
    /lib/x86_64-linux-gnu/libc.so.6(__libc_start_main+0x85) [0x7f319d045305] __libc_start_main
*** StackTrace Information ***
    /venv/ray/core/src/ray/raylet/raylet(+0x263cb7) [0x55ffe8e00cb7]
"""


class BusyMachine:
    """`ray.init` on a machine where the first `failures` starts take too long."""

    def __init__(self, failures: int):
        self.failures, self.starts = failures, 0

    def __call__(self, _temp_dir: str, **options: object) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            logs = Path(_temp_dir) / f"session_2026_{self.starts}" / "logs"
            logs.mkdir(parents=True)
            (logs / "raylet.err").write_text(f"{LAST_WORDS}\n{STACK}\n")
            raise Exception(TIMED_OUT)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], BusyMachine]:
    def make(failures: int) -> BusyMachine:
        machine = BusyMachine(failures)
        monkeypatch.setattr(ray, "init", machine)
        return machine

    return make


def cluster(scratch: Path) -> Cluster:
    return Cluster(None, 1, scratch, 0, lambda name: None)


def test_two_sweeps_of_a_process_have_the_same_token_because_ray_reads_it_once(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        cluster(tmp_path)
        tokens.append(os.environ["RAY_AUTH_TOKEN"])
    assert len(tokens[0]) == 64 and tokens[0] == tokens[1]


def test_the_ray_of_a_users_program_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    before = dict(os.environ)
    with pytest.raises(UserError, match="uses a Ray already"):
        cluster(tmp_path)
    assert dict(os.environ) == before


def test_a_start_that_takes_too_long_is_tried_once_more(busy: Callable[[int], BusyMachine], tmp_path: Path) -> None:
    machine = busy(1)
    with cluster(tmp_path):
        assert machine.starts == 2


def test_what_ran_before_a_failed_start_is_left_alone(busy: Callable[[int], BusyMachine], tmp_path: Path) -> None:
    """As in a notebook, whose process has started others."""
    with subprocess.Popen(["sleep", "1000"]) as earlier:
        busy(1)
        with cluster(tmp_path):
            assert earlier.poll() is None
        earlier.kill()


@pytest.mark.parametrize(("leaves", "told"), [(False, ["Ray's raylet has died"]), (True, [])])
def test_the_end_of_ray_is_told_unless_the_command_itself_ends_it(
    leaves: bool, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine `exit_at_once` takes longer to end all processes than it takes to see that one has ended."""
    raylet, deaths, leaving = tmp_path / "raylet", list[str](), threading.Event()
    raylet.symlink_to(shutil.which("sleep") or "")
    if leaves:
        leaving.set()
    monkeypatch.setattr("orchestrator.cluster.ray_runtime.leaving_at_once", leaving)
    monkeypatch.setattr("orchestrator.cluster.ray_runtime.SECONDS_BETWEEN_CHECKS", 0.01)
    with subprocess.Popen([raylet, "1000"]) as process:
        watched = Cluster(None, 1, tmp_path, 0, deaths.append)
        watched._watch_processes()
        process.kill()
        process.wait()
        assert watched._watcher
        if leaves:
            time.sleep(0.5)
        else:
            wait_until(lambda: deaths, "the death of the raylet")
        watched._watcher.end()
    assert deaths == told


def test_after_two_tries_it_is_told_with_what_ray_said(busy: Callable[[int], BusyMachine], tmp_path: Path) -> None:
    machine = busy(2)
    with pytest.raises(ServiceError) as error, cluster(tmp_path):
        pass
    assert machine.starts == 2
    assert TIMED_OUT in str(error.value) and LAST_WORDS in str(error.value)
    assert "0x" not in str(error.value) and "StackTrace" not in str(error.value), "a C++ stack helps nobody here"


@pytest.mark.parametrize(("load", "told"), [(9.0, "busy machine (load 9, 2 processors)"), (3.0, "two tries: The")])
def test_a_busy_machine_is_named_as_what_may_be_the_cause(
    load: float, told: str, busy: Callable[[int], BusyMachine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    busy(2)
    with pytest.raises(ServiceError, match=re.escape(told)), cluster(tmp_path):
        pass


def test_the_command_then_exits_with_1_because_the_request_is_right(
    busy: Callable[[int], BusyMachine], tmp_path: Path
) -> None:
    busy(2)
    sweep = tmp_path / "one.yaml"
    sweep.write_text(
        "sweep: one\ntrial: {steps: 2, batch_size: 8, model: {width: 4}, evaluation: {samples: 80, features: random}}\n"
        "groups: [{name: dcgan}]\n"
    )
    done = invoke("sweep", sweep, "--workers", "1", home=tmp_path / "home")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Ray did not start in two tries" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
