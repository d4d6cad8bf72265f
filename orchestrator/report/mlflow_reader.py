"""Everything that the report shows, read from MLflow: a tracking address and the sweep's name are enough.

Artifacts are read by their address, which asks MLflow's database nothing: a hundred times quicker than by run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tenacity import retry, stop_after_attempt, wait_exponential

from gan_core import metric_names
from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.report import artifact_schemas
from orchestrator.report.data import Curve, RunData, SweepData, mixtures
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.address import without_secrets
from orchestrator.tracking.client import IMAGE_PATH, KEY_TAG, KIND_TAG, child_runs, client_for

Item = TypeVar("Item")
MAX_PICTURES = 160
"""Sample grids in one report: with 24 trials there are 6 moments of each."""


def collect(tracking_uri: str, sweep: str, parent: str | None = None) -> SweepData:
    """Reads a sweep from MLflow: its run `parent`, or the newest of that name. Raises UserError if it cannot."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return _collect(tracking_uri, sweep, parent)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(f"MLflow at {without_secrets(tracking_uri)} cannot be read: {first_line(error)}") from None


def _collect(tracking_uri: str, sweep: str, parent_id: str | None) -> SweepData:
    client = client_for(tracking_uri)
    experiment = client.get_experiment_by_name(sweep)
    parent = client.get_run(parent_id) if parent_id else _newest(client, experiment)
    if not experiment or not parent:
        shown = without_secrets(tracking_uri)
        raise UserError(f"MLflow at {shown} holds no sweep {sweep!r}; `orchestrate sweep FILE` makes one")
    reader = _Reader(tracking_uri)
    document = reader.document(parent, sweep)
    children = child_runs(client, experiment.experiment_id, parent.info.run_id)
    runs = {run.data.tags[KEY_TAG]: run for run in children if KEY_TAG in run.data.tags}
    moments = max(1, MAX_PICTURES // max(1, len(document["trials"])))
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda trial: reader.run_data(trial, runs.get(trial["key"]), moments), document["trials"])
        )
    command = ["orchestrate", "sweep", document["file"]]
    command += [word for override in document["overrides"] for word in ("--set", override)]
    return SweepData(
        name=document["name"],
        question=document["question"],
        tracking_uri=without_secrets(tracking_uri),
        run_id=parent.info.run_id,
        cautions=[*document["cautions"], *mixtures(found)],
        commands=[command],
        runs=found,
        real=reader.real_pictures(found, runs),
    )


def _newest(client: Any, experiment: Any) -> Any:
    if not experiment:
        return None
    newest = ["attributes.start_time DESC"]
    found = client.search_runs([experiment.experiment_id], f"tags.`{KIND_TAG}` = 'sweep'", order_by=newest, max_results=1)
    return found[0] if found else None


_try_again = retry(stop=stop_after_attempt(3), wait=wait_exponential(0.5), reraise=True)
"""A report reads thousands of files; one lost answer must not cost it."""


class _Reader:
    """Files of runs. A tracking address in http serves pages of its runs, which the report links."""

    def __init__(self, tracking_uri: str):
        self.tracking_uri = tracking_uri
        self._cards: dict[str, dict[str, Any]] = {}

    @_try_again
    def read(self, run: Any, path: str) -> bytes:
        from mlflow.artifacts import download_artifacts

        found = download_artifacts(artifact_uri=f"{run.info.artifact_uri}/{path}", tracking_uri=self.tracking_uri)
        return Path(found).read_bytes()

    def answer(self, run: Any, path: str, check: Callable[[bytes], Item]) -> Item:
        """What `check` makes of a file of the run. Raises UserError where it is damaged or cannot be read."""
        with artifact_schemas.from_run(run.info.run_id, path):
            return check(self.read(run, path))

    @_try_again
    def files(self, run: Any, folder: str = "") -> set[str]:
        """The paths of the files and folders in a folder of the run."""
        from mlflow.artifacts import list_artifacts

        where = f"{run.info.artifact_uri}/{folder}".rstrip("/")
        # their paths begin at the last folder
        found = list_artifacts(artifact_uri=where, tracking_uri=self.tracking_uri)
        return {f"{folder}/{Path(entry.path).name}".lstrip("/") for entry in found}

    def document(self, parent: Any, sweep: str) -> dict[str, Any]:
        """What the sweep asked for. Raises UserError if its run does not tell."""
        if "sweep.json" not in self.files(parent):
            raise UserError(
                f"run {parent.info.run_id} in MLflow has no sweep.json; `orchestrate sync {sweep}` sends it"
            )
        return self.answer(parent, "sweep.json", artifact_schemas.sweep)

    def pictures(self, run: Any) -> list[tuple[int, str]]:
        """(step, path) of the sample grids logged over steps, in order, one a step."""
        matches = [match for path in self.files(run, "images") if (match := IMAGE_PATH.fullmatch(path))]
        return sorted({int(match["step"]): match[0] for match in matches if match["key"] == "samples"}.items())

    def real_pictures(self, found: list[RunData], runs: dict[str, Any]) -> list[tuple[str, bytes]]:
        """(caption, picture): the data of the groups, each picture once."""
        examples: dict[str, Any] = {}
        for data in found:
            if data.evaluator and data.group not in examples and "real.png" in self.files(runs[data.key]):
                examples[data.group] = runs[data.key]
        groups: dict[bytes, list[str]] = {}
        for group, run in examples.items():
            groups.setdefault(self.answer(run, "real.png", artifact_schemas.picture), []).append(group)
        if len(groups) == 1:
            return [("real images", picture) for picture in groups]
        return [(f"real images of {', '.join(names)}", picture) for picture, names in groups.items()]

    def card(self, run: Any) -> dict[str, Any]:
        """The card of the evaluator that measured the run; read once for all its runs."""
        evaluator = run.data.tags["evaluator"]
        if evaluator not in self._cards:
            self._cards[evaluator] = self.answer(run, "evaluator.json", artifact_schemas.card)
        return self._cards[evaluator]

    def run_data(self, trial: dict[str, Any], run: Any, moments: int) -> RunData:
        names = ("key", "name", "group", "configuration", "seed", "factors", "steps")
        data = RunData(**{name: trial[name] for name in names}, confirms=trial.get("confirms", False))
        if run is None:
            return data
        tags = run.data.tags
        data.run_id = run.info.run_id
        if self.tracking_uri.startswith("http"):
            shown = without_secrets(self.tracking_uri).rstrip("/")
            data.url = f"{shown}/#/experiments/{run.info.experiment_id}/runs/{data.run_id}"
        data.status = tags.get("status", TrialStatus.RUNNING)
        data.verdict, data.reason = tags.get("verdict", ""), tags.get("verdict.reason") or tags.get("error", "")
        since = tags.get("verdict.since", "")
        data.since = int(since) if since.isdigit() else None
        data.latest, data.settings = artifact_schemas.finite(run.data.metrics), dict(run.data.params)
        data.began_ms, data.ended_ms = run.info.start_time or 0, run.info.end_time or 0
        if tags.get("device"):
            data.made_on = f"{tags['device'].partition(':')[0]} in {tags.get('precision')}"
        files = self.files(run)
        environment = (
            self.answer(run, "environment.json", artifact_schemas.environment) if "environment.json" in files else {}
        )
        data.environment = environment if "packages" in environment else {}  # a worker that never began has none
        if tags.get("evaluator") and "evaluator.json" in files:
            data.evaluator = self.card(run)
        if "history.jsonl" in files:
            data.history = curves(self.answer(run, "history.jsonl", artifact_schemas.history))
        pictures = self.pictures(run) if "images" in files else []
        data.pictures = [
            (step, self.answer(run, path, artifact_schemas.picture)) for step, path in spread(pictures, moments)
        ]
        return data


def curves(rows: Iterable[dict[str, float]]) -> dict[str, Curve]:
    """History rows -> metric -> its curve."""
    steps: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if name not in metric_names.POSITION:
                steps.setdefault(name, []).append(row["step"])
                values.setdefault(name, []).append(value)
    return {name: (np.array(steps[name], dtype=np.int64), np.array(values[name])) for name in values}


def spread(items: list[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly, with the last and (from two on) the first."""
    if len(items) <= most:
        return items
    if most == 1:
        return items[-1:]
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
