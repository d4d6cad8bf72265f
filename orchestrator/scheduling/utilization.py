"""How busy the workers of a sweep were."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.formatting import format_duration


@dataclass
class Utilization:
    """All times in seconds, summed over the plans of a command.

    wall: from the first worker's start to the last trial's end. worker_seconds: of all workers together. training: the
    trials' own. max_workers: the most that there were at once.
    """

    wall: float = 0.0
    worker_seconds: float = 0.0
    training: float = 0.0
    max_workers: int = 0

    def summary(self) -> str:
        """One line. Starting workers, waiting and steps that a lost worker's successor repeats are not training."""
        share = self.training / self.worker_seconds if self.worker_seconds else 0.0
        workers = f"the {self.max_workers} workers" if self.max_workers > 1 else "the worker"
        training = f"{workers} trained {min(share, 1.0):.0%} of it, the rest was start-up, waiting and saving"
        return f"{format_duration(self.wall)} in all; {training}"
