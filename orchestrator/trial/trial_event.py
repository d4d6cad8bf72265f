"""What the driver reports about a trial beside its status: events that concern its worker."""

from __future__ import annotations

from enum import StrEnum


class TrialEvent(StrEnum):
    """Something happened to a trial that is not its end, or an end that its worker could not report itself."""

    WORKER_LOST = "lost"
    """Its worker died. It starts again from its checkpoint."""
    OUT_OF_MEMORY = "out of memory"
    """Memory ran out. It is tried again with fewer trials beside it."""
    KILLED_FOR_MEMORY = "killed"
    """The kernel killed its worker because memory ran out. It is tried again, and fewer trials run side by side."""
    RETRIED = "retried"
    """It met an error. It is tried again from its checkpoint."""
    SILENT = "silent"
    """Its worker sends no reports. After the heartbeat timeout it is killed."""
    GIVEN_UP = "given up"
    """It has failed: Tune does not start it again."""
