"""A command and all the processes that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

BOUND = 60
"""Seconds that a busy machine may take; how long it takes on a quiet one stands in docs/reliability.md."""


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that the command has started."""
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=BOUND)
    assert not alive


@contextmanager
def frozen_trainers(process: subprocess.Popen[str]) -> Iterator[None]:
    """The command's trials stand still meanwhile, so that it does not end, however fast this machine is."""
    trainers = [member for member in family_of(process) if "Train" in member.name()]  # as Ray Tune calls them
    assert trainers
    for member in trainers:
        member.suspend()
    try:
        yield
    finally:
        for member in trainers:
            member.resume()


def kill_ray(process: subprocess.Popen[str], name: str) -> None:
    """Kill Ray's process of this name; the command that has started it must end with one clear line."""
    family = family_of(process)
    next(child for child in family if child.name() == name).kill()
    output, _ = process.communicate(timeout=BOUND)
    assert process.returncode == 1, output
    assert f"Ray's {name} has died; the same command goes on" in output
    assert "Traceback" not in output
    assert "core_worker" not in output
    assert_gone(family)


def leave_in_phase(process: subprocess.Popen[str], phase: str, number: signal.Signals) -> str:
    """Send this signal when the command names this phase: it must leave in order, with all that it has started.

    Returns what it printed.
    """
    assert process.stdout
    family: list[psutil.Process] = []
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(phase):
            family = family_of(process)
            os.kill(process.pid, number)
    output = "".join(seen)
    assert process.wait(timeout=BOUND) == 130, output
    assert "interrupted; the same command goes on from here" in seen[-1]
    assert "Traceback" not in output
    assert_gone(family)
    return output
