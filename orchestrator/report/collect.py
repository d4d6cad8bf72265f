"""Everything that the report shows, read from MLflow: a tracking address and the sweep's name are enough."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.addresses import without_secrets
from orchestrator.errors import UserError, first_line
from orchestrator.tracking import KEY, KIND, children_of, client_for, images_of

CURVES = {
    "loss/generator": "Generator loss",
    "loss/discriminator": "Discriminator loss",
    "accuracy/discriminator": "Discriminator accuracy (balanced)",
    "accuracy/auc": "Area under the ROC curve",
    "diversity/ratio": "Diversity of samples / of data",
}
QUALITY_CURVES = {"frechet": "Frechet distance", "coverage": "Coverage"}
"""The metrics whose curves are drawn; those of an evaluator are drawn for each evaluator apart."""


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
    latest: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    evaluator: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""
    picture_step: int = 0
    began_ms: int = 0
    environment: dict[str, Any] = field(default_factory=dict)

    def quality(self, name: str) -> float | None:
        """A metric of the trial's own evaluator at its last evaluation: `frechet`, or `best_frechet` over all."""
        return self.latest.get(f"{name}/{self.evaluator.get('id')}")

    @property
    def outcome(self) -> str:
        """The verdict, or where the work stands if there is none yet."""
        return self.verdict or self.status


@dataclass
class SweepData:
    name: str
    question: str
    tracking_uri: str
    run_id: str
    cautions: list[str]
    file: str
    overrides: list[str]
    runs: list[RunData]
    real_pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, Any]:
        """What the first trial ran with; empty if none has started."""
        return next((run.environment for run in self.runs if run.environment), {})

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.group for run in self.runs))

    @property
    def evaluators(self) -> dict[str, dict[str, Any]]:
        """id -> card of every evaluator that measured a run, in the order of the runs."""
        return {run.evaluator["id"]: run.evaluator for run in self.runs if run.evaluator}

    def configurations(self) -> dict[str, list[RunData]]:
        """configuration -> its runs, one a seed."""
        found: dict[str, list[RunData]] = {}
        for run in self.runs:
            found.setdefault(run.configuration, []).append(run)
        return found


def curve_titles(data: SweepData) -> dict[str, str]:
    """metric -> what its curves are called; quality by evaluator, whose id the title has where there are several."""
    titles = dict(CURVES)
    for name in QUALITY_CURVES:
        for evaluator in data.evaluators:
            several = f" ({evaluator})" if len(data.evaluators) > 1 else ""
            titles[f"{name}/{evaluator}"] = QUALITY_CURVES[name] + several
    return titles


def collect(tracking_uri: str, sweep: str, parent: str | None = None) -> SweepData:
    """Reads a sweep from MLflow: its run `parent`, or the newest of that name. Raises UserError if it cannot."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return _collect(tracking_uri, sweep, parent)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(f"MLflow at {without_secrets(tracking_uri)} cannot be read: {first_line(error)}") from None


def _collect(tracking_uri: str, sweep: str, parent: str | None) -> SweepData:
    client = client_for(tracking_uri)
    experiment = client.get_experiment_by_name(sweep)
    if experiment and not parent:
        newest = ["attributes.start_time DESC"]
        found = client.search_runs([experiment.experiment_id], f"tags.`{KIND}` = 'sweep'", order_by=newest)
        parent = found[0].info.run_id if found else None
    if not experiment or not parent:
        shown = without_secrets(tracking_uri)
        raise UserError(f"MLflow at {shown} holds no sweep {sweep!r}; `orchestrate sweep FILE` makes one")
    with tempfile.TemporaryDirectory(prefix="orchestrate-report-") as scratch:
        reader = _Reader(client, Path(scratch))
        document = json.loads(reader.artifact(parent, "sweep.json"))
        runs = {run.data.tags[KEY]: run for run in children_of(client, experiment.experiment_id, parent)}
        with ThreadPoolExecutor(8) as pool:
            trials = list(pool.map(lambda trial: reader.run_data(trial, runs.get(trial["key"])), document["trials"]))
        return SweepData(
            name=document["name"],
            question=document["question"],
            tracking_uri=without_secrets(tracking_uri),
            run_id=parent,
            cautions=document["cautions"],
            file=document["file"],
            overrides=document["overrides"],
            runs=trials,
            real_pictures=reader.real_pictures(trials),
        )


class _Reader:
    def __init__(self, client: Any, scratch: Path):
        self.client, self.scratch = client, scratch

    def artifact(self, run_id: str, path: str) -> bytes:
        folder = self.scratch / run_id
        folder.mkdir(exist_ok=True)
        return Path(self.client.download_artifacts(run_id, path, str(folder))).read_bytes()

    def real_pictures(self, runs: list[RunData]) -> dict[str, bytes]:
        """group -> real images, of its first run that has some."""
        found: dict[str, bytes] = {}
        for run in runs:
            if run.group not in found and run.picture:
                found[run.group] = self.artifact(run.run_id, "real.png")
        return found

    def run_data(self, trial: dict[str, Any], run: Any) -> RunData:
        names = ("key", "name", "group", "configuration", "seed", "factors", "steps")
        data = RunData(**{name: trial[name] for name in names})
        if run is None:
            return data
        tags = run.data.tags
        data.run_id = run.info.run_id
        data.status = tags.get("status", "running")
        data.verdict, data.reason = tags.get("verdict", ""), tags.get("verdict.reason") or tags.get("error", "")
        since = tags.get("verdict.since", "")
        data.since = int(since) if since.isdigit() else None
        data.latest = dict(run.data.metrics)
        data.began_ms = run.info.start_time or 0
        environment = json.loads(self.artifact(data.run_id, "environment.json"))
        data.environment = environment if "packages" in environment else {}  # a worker that never began has none
        if tags.get("evaluator"):
            data.evaluator = json.loads(self.artifact(data.run_id, "evaluator.json"))
        for metric in [*CURVES, *(f"{name}/{data.evaluator.get('id')}" for name in QUALITY_CURVES)]:
            if metric in data.latest:
                points = self.client.get_metric_history(data.run_id, metric)
                data.curves[metric] = sorted((point.step, point.value) for point in points)
        pictures = [(step, path) for key, step, path in images_of(self.client, data.run_id) if key == "samples"]
        if pictures:
            data.picture_step, path = pictures[-1]
            data.picture = self.artifact(data.run_id, path)
        return data
