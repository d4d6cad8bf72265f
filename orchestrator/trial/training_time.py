"""How long a trial has trained: for its record, and for the estimate of the time that a sweep has left."""

from __future__ import annotations

import time

from orchestrator.store.record import Record


class TrainingTime:
    """Use: `start` before training; `count` adds the time since then, or since it was counted last."""

    def __init__(self) -> None:
        self._counted_until = time.monotonic()
        self._unreported = 0.0

    def start(self) -> None:
        self._counted_until = time.monotonic()

    def count(self, record: Record) -> None:
        """Adds it to the record's seconds."""
        now = time.monotonic()
        record.seconds += now - self._counted_until
        self._unreported += now - self._counted_until
        self._counted_until = now

    def take_unreported(self) -> float:
        """Seconds of training since the last call of this method."""
        seconds, self._unreported = self._unreported, 0.0
        return seconds
