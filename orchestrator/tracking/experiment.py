"""An MLflow experiment and the runs in it: found by their tags, or created."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from orchestrator.tracking import artifact_location
from orchestrator.tracking.address import is_server
from orchestrator.tracking.client import KEY_TAG, child_runs, keep_oldest_run, runs_with_tags
from orchestrator.tracking.run_writer import RunWriter

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # the UI's pages for training, not for agents


class Experiment:
    """`sent` counts, by kind, everything that is written to MLflow through this object and its run writers."""

    def __init__(self, client: Any, experiment_id: str, sent: Counter[str]):
        self.client, self.id, self.sent = client, experiment_id, sent

    @classmethod
    def open(cls, client: Any, uri: str, name: str, artifacts: Path, sent: Counter[str]) -> Experiment:
        """Find the experiment `name` or create it; restore it if it was deleted. Raises UserError as `check`.

        `artifacts`: the folder for its artifacts, unless MLflow is a server, which stores artifacts itself.
        """
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            sent["experiments"] += 1
            if is_server(uri):
                return cls(client, client.create_experiment(name, tags=EXPERIMENT_TAGS), sent)
            location = artifacts.as_uri()
            return cls(client, client.create_experiment(name, artifact_location=location, tags=EXPERIMENT_TAGS), sent)
        artifact_location.check(f"experiment {name}", experiment.artifact_location, uri)
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
            sent["experiments"] += 1
        return cls(client, experiment.experiment_id, sent)

    def answers(self) -> bool:
        """Whether MLflow answers a request at all."""
        try:
            self.client.get_experiment(self.id)
        except Exception:
            return False
        return True

    def find_run(self, tags: dict[str, str]) -> Any:
        """The run with these tags, restored if it was deleted, or None."""
        runs = list(runs_with_tags(self.client, self.id, tags, include_deleted=True))
        return keep_oldest_run(self.client, runs, self.sent)

    def runs_of_trials(self, parent_run_id: str) -> dict[str, list[Any]]:
        """Trial key -> its runs, deleted ones too. There is usually one; see `keep_oldest_run`."""
        by_key = defaultdict(list)
        for run in child_runs(self.client, self.id, parent_run_id, include_deleted=True):
            by_key[run.data.tags[KEY_TAG]].append(run)
        return by_key

    def writer(self, run: Any) -> RunWriter:
        return RunWriter(self.client, run, self.sent)

    def create_run(self, name: str, tags: dict[str, str], start_ms: int | None) -> RunWriter:
        """`start_ms`: when the run began, in ms since 1970; now, if it is None."""
        run = self.client.create_run(self.id, start_ms, tags, run_name=name)
        self.sent["runs"] += 1
        return RunWriter(self.client, run, self.sent, is_new=True)
