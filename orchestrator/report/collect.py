"""Everything that the report shows, read from MLflow: a tracking address and the sweep's name are enough."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError
from orchestrator.tracking import KEY, KIND, children_of, client_for, images_of, without_secrets

CURVES = {
    "loss/generator": "Generator loss",
    "loss/discriminator": "Discriminator loss",
    "accuracy/discriminator": "Discriminator accuracy (balanced)",
    "accuracy/auc": "Area under the ROC curve",
    "diversity/ratio": "Diversity of samples / of data",
}
"""The metrics whose curves are drawn, and what they are called."""


@dataclass
class RunData:
    """One trial. `curves`: metric -> [(step, value)]. `picture`: PNG of the last sample grid, of `picture_step`."""

    key: str
    name: str
    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    steps: int
    run_id: str = ""
    status: str = "pending"
    verdict: str = ""
    reason: str = ""
    since: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    latest: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    picture: bytes = b""
    picture_step: int = 0
    began_ms: int = 0
    ended_ms: int = 0

    @property
    def outcome(self) -> str:
        """The verdict, or where the work stands if there is none yet."""
        return self.verdict or self.status


@dataclass
class SweepData:
    name: str
    question: str
    tracking_uri: str
    experiment_id: str
    run_id: str
    cautions: list[str]
    file: str
    runs: list[RunData]
    real_picture: bytes = b""
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.group for run in self.runs))

    def configurations(self) -> dict[str, list[RunData]]:
        """configuration -> its runs, one a seed."""
        found: dict[str, list[RunData]] = {}
        for run in self.runs:
            found.setdefault(run.configuration, []).append(run)
        return found


def collect(tracking_uri: str, sweep: str) -> SweepData:
    """Reads a sweep from MLflow. Raises UserError if it is not there."""
    client = client_for(tracking_uri)
    shown = without_secrets(tracking_uri)
    experiment = client.get_experiment_by_name(sweep)
    parents = (
        client.search_runs(
            [experiment.experiment_id], f"tags.`{KIND}` = 'sweep'", order_by=["attributes.start_time ASC"]
        )
        if experiment
        else []
    )
    if not parents:
        raise UserError(f"MLflow at {shown} holds no sweep {sweep!r}; `orchestrate sweep FILE` makes one")
    parent = parents[0].info.run_id
    with tempfile.TemporaryDirectory(prefix="orchestrate-report-") as scratch:
        reader = _Reader(client, Path(scratch))
        document = json.loads(reader.artifact(parent, "sweep.json"))
        runs = {run.data.tags[KEY]: run for run in children_of(client, experiment.experiment_id, parent)}
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda trial: reader.run_data(trial, runs.get(trial["key"])), document["trials"]))
        first = next((run for run in found if run.run_id), None)
        return SweepData(
            name=document["name"],
            question=document["question"],
            tracking_uri=shown,
            experiment_id=experiment.experiment_id,
            run_id=parent,
            cautions=document["cautions"],
            file=document["file"],
            runs=found,
            real_picture=reader.artifact(first.run_id, "real.png") if first else b"",
            environment=json.loads(reader.artifact(first.run_id, "environment.json")) if first else {},
        )


class _Reader:
    def __init__(self, client: Any, scratch: Path):
        self.client, self.scratch = client, scratch

    def artifact(self, run_id: str, path: str) -> bytes:
        folder = self.scratch / run_id
        folder.mkdir(exist_ok=True)
        return Path(self.client.download_artifacts(run_id, path, str(folder))).read_bytes()

    def run_data(self, trial: dict[str, Any], run: Any) -> RunData:
        names = ("key", "name", "group", "configuration", "seed", "factors", "steps")
        data = RunData(**{name: trial[name] for name in names})
        if run is None:
            return data
        tags = run.data.tags
        data.run_id = run.info.run_id
        data.status = tags.get("status", "running")
        data.verdict, data.reason = tags.get("verdict", ""), tags.get("verdict.reason", "")
        since = tags.get("verdict.since", "")
        data.since = int(since) if since.isdigit() else None
        data.settings, data.latest = dict(run.data.params), dict(run.data.metrics)
        data.began_ms, data.ended_ms = run.info.start_time or 0, run.info.end_time or 0
        for metric in CURVES:
            if metric in data.latest:
                points = self.client.get_metric_history(data.run_id, metric)
                data.curves[metric] = sorted((point.step, point.value) for point in points)
        pictures = [(step, path) for key, step, path in images_of(self.client, data.run_id) if key == "samples"]
        if pictures:
            data.picture_step, path = pictures[-1]
            data.picture = self.artifact(data.run_id, path)
        return data
