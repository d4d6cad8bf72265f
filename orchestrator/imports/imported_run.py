"""A run under the names of the report: the plain data from which the sweep is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from orchestrator.imports.history import History


@dataclass(frozen=True)
class ImportedRun:
    """group: of configurations that are compared within it. settings: all that were mapped, by their names in the
    report. loss: "" if it is not known. evaluator: what measured the quality, in words; "" if nothing did.
    """

    name: str
    group: str
    settings: dict[str, Any]
    seed: int
    loss: str
    evaluator: str
    history: History

    @property
    def metrics(self) -> set[str]:
        """The names of everything in its rows."""
        return {name for row in self.history.rows for name in row}

    @property
    def last_step(self) -> int:
        """The step of its last row, or that at which it diverged; 1 if that was at its start."""
        rows, diverged = self.history.rows, self.history.diverged
        return max(1, diverged[0] if diverged else 0, int(rows[-1]["step"]) if rows else 0)


def evaluator_id(text: str) -> str:
    """The id in the names of quality metrics: the same words are the same evaluator. "" if nothing measured quality.

    It differs from the ids of our own evaluators, so that nothing compares the numbers of one with those of another.
    """

    return f"imported-{hashlib.sha256(' '.join(text.split()).encode()).hexdigest()[:8]}" if text else ""
