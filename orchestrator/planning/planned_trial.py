"""A trial of a sweep with its key and its record."""

from __future__ import annotations

from dataclasses import dataclass

from gan_core.config.trial import TrialConfig
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Trial


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with its key and its record.

    `config`: the trial's config with absolute paths of its data. `fingerprint`: hash of its data set.
    """

    key: str
    trial: Trial
    config: TrialConfig
    fingerprint: str
    record: Record

    @property
    def evaluation(self) -> str:
        """Identifies the evaluator: trials with the same data and evaluation config share one."""
        return self.fingerprint + self.config.evaluation.model_dump_json(exclude={"every"})

    @property
    def state(self) -> TrialStatus:
        """The status of the trial while no command runs its sweep."""
        return self.record.current_status(is_held=False)

    @property
    def remaining(self) -> int:
        """Steps that are left to train."""
        return 0 if self.state == TrialStatus.FINISHED else self.config.steps - self.record.step

    def to_document(self) -> TrialDocument:
        """The trial as `sweep.json` and MLflow keep it."""
        return {
            "key": self.key,
            "data": self.fingerprint,
            "name": self.trial.name,
            "group": self.trial.group,
            "configuration": self.trial.configuration,
            "seed": self.trial.seed,
            "factors": self.trial.factors,
            "steps": self.config.steps,
            "loss": self.config.loss.name,
            "confirms": self.trial.confirms,
        }
