"""Who failed, and what is done about it: one table.

After Determined's failure policy: what may pass is tried again, what cannot is not. Errors of Ray and torch are known
by the names of their classes and by what they say, so that nothing heavy is imported.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.store.disk_space import is_disk_full


class Cause(StrEnum):
    """Why an attempt at a trial ended before its last step."""

    CONFIGURATION = "configuration"
    DIVERGENCE = "divergence"
    OUT_OF_MEMORY = "out of memory"
    LOST_WORKER = "lost"
    EXCEPTION = "exception"
    PREEMPTION = "preempted"
    DISK_FULL = "disk full"


class Action(StrEnum):
    """What is done about it."""

    FAIL = "the trial has failed"
    VERDICT = "the trial is finished: it diverged"
    RETRY = "again at once from its checkpoint, in the same worker"
    MOVE = "again from its checkpoint, in another worker"
    RETRY_ROOMIER = "again from its checkpoint once the others are done, with fewer neighbours on the device"
    STOP = "the sweep stops"


@dataclass(frozen=True)
class Policy:
    """What is done, and how often a command does it for one trial before that has failed."""

    action: Action
    most: int = 0


MAX_WORKERS_LOST = 5
"""Lost workers and preemptions are not the trial's fault, but one that kills each worker it gets must end."""

POLICIES = {
    Cause.CONFIGURATION: Policy(Action.FAIL),
    Cause.DIVERGENCE: Policy(Action.VERDICT),
    Cause.OUT_OF_MEMORY: Policy(Action.RETRY_ROOMIER, most=1),
    Cause.LOST_WORKER: Policy(Action.MOVE, most=MAX_WORKERS_LOST),
    Cause.EXCEPTION: Policy(Action.RETRY, most=1),
    Cause.PREEMPTION: Policy(Action.MOVE, most=MAX_WORKERS_LOST),
    Cause.DISK_FULL: Policy(Action.STOP),
}

CONFIGURATION_ERRORS = ("UserError", "DataError", "ValidationError", "SettingsNotApplied")
MEMORY_ERRORS = ("OutOfMemoryError", "MemoryError")  # torch's and Ray's have the same name
MEMORY_WORDS = (
    "out of memory",  # CUDA, MPS, cuDNN
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "Cannot allocate memory",
)
MEMORY_MONITOR_WORDS = "running low on memory"
"""How Ray's memory monitor explains the death of an actor."""
LOST_ERRORS = ("RayActorError", "NodeDiedError", "WorkerCrashedError", "ObjectLostError")


def classify(error: BaseException) -> Cause:
    """The cause that an exception stands for: one of ours, of torch, or what Ray makes of a worker's end."""
    chain = _behind(error)
    if any(map(is_disk_full, chain)):
        return Cause.DISK_FULL
    if any(map(_is_memory, chain)):
        return Cause.OUT_OF_MEMORY
    if any(_is_a(one, "Diverged") for one in chain):
        return Cause.DIVERGENCE
    if any(_is_a(one, *CONFIGURATION_ERRORS) for one in chain):
        return Cause.CONFIGURATION
    if _is_a(error, *LOST_ERRORS) and not getattr(error, "actor_init_failed", False):
        return Cause.LOST_WORKER
    return Cause.EXCEPTION


def _behind(error: BaseException) -> list[BaseException]:
    """The error, and what Ray or Python say that it comes from."""
    chain: list[BaseException] = []
    while isinstance(error, BaseException) and error not in chain:
        chain.append(error)
        error = getattr(error, "cause", None) or error.__cause__  # type: ignore[assignment]
    return chain


def _is_memory(error: BaseException) -> bool:
    if _is_a(error, *MEMORY_ERRORS):
        return True
    text = str(error)
    if _is_a(error, *LOST_ERRORS):
        return MEMORY_MONITOR_WORDS in text
    return isinstance(error, RuntimeError | OSError) and any(words in text for words in MEMORY_WORDS)


def _is_a(error: BaseException, *names: str) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def traceback_of(error: BaseException) -> str:
    """The traceback, as a record keeps it."""
    return "".join(traceback.format_exception(error))
