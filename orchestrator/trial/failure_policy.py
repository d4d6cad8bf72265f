"""Why an attempt at a trial failed, and what is done about it: one table.

After Determined's failure policy: errors that may not come again are retried, others are not. Errors of Ray and torch
are recognised by the names of their classes and by their messages, so that nothing heavy is imported.

Entries that decide: EXCEPTION, which the worker tries again; LOST_WORKER, whose number Tune gets as that of failures;
the actions of OUT_OF_MEMORY and DISK_FULL, for `TrialMonitor`. Entries that only describe what other code does:
CONFIGURATION and DIVERGENCE, which end a trial in `TrialExecution`; PREEMPTION, which Tune counts among the lost
workers; the one retry of OUT_OF_MEMORY, which is the second round of Tune.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.store.disk_space import is_disk_full
from orchestrator.store.trial_status import Cause


class Action(StrEnum):
    """What is done about it."""

    FAIL = "the trial has failed"
    VERDICT = "the trial is finished: it diverged"
    RETRY = "resumed at once from its checkpoint, in the same worker"
    MOVE = "resumed from its checkpoint, in another worker"
    RETRY_WITH_MORE_MEMORY = "resumed from its checkpoint after the other trials, with fewer trials beside it"
    STOP = "the sweep stops"


@dataclass(frozen=True)
class Policy:
    """What is done, and how often one command does it for one trial. After that the trial has failed."""

    action: Action
    max_retries: int = 0


MAX_WORKERS_LOST = 5
"""A lost worker or a preemption is not the trial's fault, but a trial that kills every worker must end."""

POLICIES: dict[Cause, Policy] = {
    Cause.CONFIGURATION: Policy(Action.FAIL),
    Cause.DIVERGENCE: Policy(Action.VERDICT),
    Cause.OUT_OF_MEMORY: Policy(Action.RETRY_WITH_MORE_MEMORY, max_retries=1),
    Cause.LOST_WORKER: Policy(Action.MOVE, max_retries=MAX_WORKERS_LOST),
    Cause.EXCEPTION: Policy(Action.RETRY, max_retries=1),
    Cause.PREEMPTION: Policy(Action.MOVE, max_retries=MAX_WORKERS_LOST),
    Cause.DISK_FULL: Policy(Action.STOP),
}

CONFIGURATION_ERRORS = ("UserError", "DataError", "ValidationError", "SettingsNotApplied")
MEMORY_ERRORS = ("OutOfMemoryError", "MemoryError")  # torch's and Ray's classes have the same name
MEMORY_MESSAGES = (
    "out of memory",  # CUDA, MPS, cuDNN
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "Cannot allocate memory",
)
MEMORY_MONITOR_MESSAGE = "running low on memory"
"""Part of the message on an actor that Ray's memory monitor has killed."""
LOST_WORKER_ERRORS = ("RayActorError", "NodeDiedError", "WorkerCrashedError", "ObjectLostError")


def classify(error: BaseException) -> Cause:
    """The cause of a failure, from an exception of ours or of torch, or from Ray's exception on the end of a worker."""
    errors = _chain(error)
    if any(map(is_disk_full, errors)):
        return Cause.DISK_FULL
    if any(map(_is_out_of_memory, errors)):
        return Cause.OUT_OF_MEMORY
    if any(_is_a(each, "Diverged") for each in errors):
        return Cause.DIVERGENCE
    if any(_is_a(each, *CONFIGURATION_ERRORS) for each in errors):
        return Cause.CONFIGURATION
    if _is_a(error, *LOST_WORKER_ERRORS) and not getattr(error, "actor_init_failed", False):
        return Cause.LOST_WORKER
    return Cause.EXCEPTION


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, as Python (`__cause__`) and Ray (`cause`) keep them."""
    errors: list[BaseException] = []
    while isinstance(error, BaseException) and error not in errors:
        errors.append(error)
        error = getattr(error, "cause", None) or error.__cause__  # type: ignore[assignment]
    return errors


def _is_out_of_memory(error: BaseException) -> bool:
    if _is_a(error, *MEMORY_ERRORS):
        return True
    text = str(error)
    if _is_a(error, *LOST_WORKER_ERRORS):
        return MEMORY_MONITOR_MESSAGE in text
    return isinstance(error, RuntimeError | OSError) and any(message in text for message in MEMORY_MESSAGES)


def _is_a(error: BaseException, *class_names: str) -> bool:
    return any(base.__name__ in class_names for base in type(error).__mro__)


def traceback_of(error: BaseException) -> str:
    """The whole traceback, as a record holds it."""
    return "".join(traceback.format_exception(error))
