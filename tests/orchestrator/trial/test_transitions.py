"""What a record says of a trial while an attempt runs, and after each way that an attempt ends."""

from __future__ import annotations

import os

import pytest
import torch

from gan_core.verdict.judge import Verdict
from gan_core.verdict.names import VerdictName
from orchestrator import environment
from orchestrator.store.record import Record
from orchestrator.store.trial_status import AttemptOutcome, Cause, TrialStatus
from orchestrator.trial import transitions
from orchestrator.trial.device import TrialDevice

STABLE = Verdict(VerdictName.STABLE, None, "no event", {})


@pytest.fixture
def running() -> Record:
    """The record of a trial that failed at step 30 and runs again from there."""
    record = Record("key", TrialStatus.FAILED, step=30, error="Traceback")
    transitions.begin(record, TrialDevice(torch.device("cpu"), "node-1"))
    return record


def test_a_new_attempt_runs_here_and_forgets_the_earlier_end(running: Record) -> None:
    assert (running.status, running.error, running.verdict) == (TrialStatus.RUNNING, None, None)
    assert running.environment == environment.describe()
    attempt = running.open_attempt
    assert attempt
    expected = (30, os.getpid(), "cpu", "node-1")
    assert (attempt.from_step, attempt.process, attempt.device, attempt.node) == expected


def test_a_finished_trial_has_its_verdict_and_the_step_it_came_to(running: Record) -> None:
    transitions.finish(running, STABLE, 50)
    assert running.status == TrialStatus.FINISHED and running.verdict and running.verdict["name"] == "stable"
    assert (running.attempts[-1].outcome, running.attempts[-1].to_step) == (AttemptOutcome.FINISHED, 50)


def test_a_failed_trial_keeps_the_whole_error_and_its_attempt_the_last_line(running: Record) -> None:
    transitions.fail(running, MemoryError("no room for the images"), 40)
    assert running.status == TrialStatus.FAILED and running.verdict is None
    assert running.error and running.error.endswith("MemoryError: no room for the images\n")
    assert running.attempts[-1].outcome == Cause.OUT_OF_MEMORY
    assert running.attempts[-1].message == "MemoryError: no room for the images"


def test_an_end_that_could_not_be_written_on_a_full_disk_does_not_count(running: Record) -> None:
    transitions.finish(running, STABLE, 50)
    transitions.stop_on_full_disk(running, "the disk is full", 30)
    assert (running.status, running.verdict) == (TrialStatus.INTERRUPTED, None)
    attempt = running.attempts[-1]
    assert (attempt.outcome, attempt.to_step, attempt.message) == (Cause.DISK_FULL, 30, "the disk is full")


def test_an_attempt_ends_once(running: Record) -> None:
    transitions.interrupt(running, AttemptOutcome.INTERRUPTED, 35)
    transitions.close_attempt(running, Cause.LOST_WORKER, 30, "the machine was gone")
    attempt = running.attempts[-1]
    assert (attempt.outcome, attempt.to_step, attempt.message) == (AttemptOutcome.INTERRUPTED, 35, None)
