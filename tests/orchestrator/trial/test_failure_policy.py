"""One table says why a trial failed and what is done about it."""

from __future__ import annotations

import errno

import pytest
import ray.exceptions
import torch
from pydantic import ValidationError

from gan_core.config.trial import TrialConfig
from gan_core.data.preprocessing import DataError
from gan_core.error_text import last_line
from gan_core.training.divergence import Diverged
from orchestrator.errors import UserError
from orchestrator.store.trial_status import Cause
from orchestrator.trial.execution import SettingsNotApplied
from orchestrator.trial.failure_policy import POLICIES, Action, classify, traceback_of


def raised_by_the_allocator() -> BaseException:
    """Torch's own error when it gets no memory: 2^60 bytes."""
    try:
        torch.empty(2**60, dtype=torch.uint8)
    except RuntimeError as error:
        return error
    raise AssertionError


def raised_by_pydantic() -> BaseException:
    try:
        TrialConfig.model_validate({"steps": "many"})
    except ValidationError as error:
        return error
    raise AssertionError


def in_a_worker(error: Exception) -> BaseException:
    """As Ray raises it in the driver."""
    return ray.exceptions.RayTaskError("train", "Traceback ...", error).as_instanceof_cause()


def caught(inner: BaseException) -> BaseException:
    """As Tune raises it when a run breaks off."""
    try:
        raise RuntimeError(f"Caught unexpected exception: {inner}") from inner
    except RuntimeError as error:
        return error


KILLED = "1 worker(s) were killed due to the node running low on memory"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), Cause.OUT_OF_MEMORY),
        (RuntimeError("CUDA error: out of memory"), Cause.OUT_OF_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), Cause.OUT_OF_MEMORY),
        (MemoryError(), Cause.OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), Cause.OUT_OF_MEMORY),
        (raised_by_the_allocator(), Cause.OUT_OF_MEMORY),
        (ray.exceptions.OutOfMemoryError(KILLED), Cause.OUT_OF_MEMORY),
        (caught(ray.exceptions.OutOfMemoryError(KILLED)), Cause.OUT_OF_MEMORY),
        (in_a_worker(MemoryError()), Cause.OUT_OF_MEMORY),
        (ray.exceptions.RayActorError("a", KILLED), Cause.OUT_OF_MEMORY),
        (DataError("data.path", "does not exist"), Cause.CONFIGURATION),
        (UserError("wrong"), Cause.CONFIGURATION),
        (raised_by_pydantic(), Cause.CONFIGURATION),
        (SettingsNotApplied("not trained as asked"), Cause.CONFIGURATION),
        (in_a_worker(DataError("data.path", "does not exist")), Cause.CONFIGURATION),
        (Diverged(3, "loss/generator"), Cause.DIVERGENCE),
        (ray.exceptions.RayActorError("a", "The actor died unexpectedly"), Cause.LOST_WORKER),
        (ray.exceptions.NodeDiedError("the node is gone"), Cause.LOST_WORKER),
        (ray.exceptions.RayActorError("a", "error in its creation task", actor_init_failed=True), Cause.EXCEPTION),
        (OSError(errno.ENOSPC, "No space left on device"), Cause.DISK_FULL),
        (OSError(errno.EROFS, "Read-only file system"), Cause.DISK_FULL),
        (in_a_worker(OSError(errno.ENOSPC, "No space left on device")), Cause.DISK_FULL),
        (OSError(errno.EACCES, "Permission denied"), Cause.EXCEPTION),
        (RuntimeError("shape '[8]' is invalid"), Cause.EXCEPTION),
        (in_a_worker(KeyError("loss")), Cause.EXCEPTION),
    ],
    ids=lambda value: value if isinstance(value, Cause) else f"{type(value).__name__}",
)
def test_an_error_is_classified_by_its_cause(error: BaseException, cause: Cause) -> None:
    assert classify(error) is cause


def test_a_circle_of_causes_is_classified_too() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert classify(first) is Cause.EXCEPTION


def test_every_cause_has_a_policy_and_permanent_errors_are_not_retried() -> None:
    assert set(POLICIES) == set(Cause)
    retried = {cause for cause, policy in POLICIES.items() if policy.max_retries}
    assert retried == {Cause.OUT_OF_MEMORY, Cause.LOST_WORKER, Cause.PREEMPTION, Cause.EXCEPTION}
    assert POLICIES[Cause.DISK_FULL].action is Action.STOP


def test_a_traceback_is_recorded_whole_and_shown_by_its_last_line() -> None:
    text = traceback_of(raised_by_the_allocator())
    assert text.startswith("Traceback")
    assert "raised_by_the_allocator" in text
    assert last_line(text).startswith("RuntimeError:")
    assert last_line("\n") == ""
