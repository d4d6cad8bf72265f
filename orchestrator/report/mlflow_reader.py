"""Reads everything that the report shows from MLflow. A tracking address and the name of the sweep are enough.

Artifacts are read by their own address. This needs no query to MLflow's database, and is a hundred times as fast as
reading them by run id. Those on this machine are read as files: MLflow's client would make a repository for each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tenacity import retry, retry_if_not_exception_type, stop_after_attempt, wait_exponential

from gan_core import metric_names
from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.report import artifact_schemas, leaderboard
from orchestrator.report.artifact_schemas import LoggedEvaluator, LoggedSweep, LoggedTrial
from orchestrator.report.data import Curve, RunData, SweepData, run_cautions
from orchestrator.report.logged_run import LoggedRun, logged_run
from orchestrator.report.remarks import evaluator_cautions
from orchestrator.report.shown_trials import MAX_WITH_SAMPLES, shown_trials
from orchestrator.tracking.address import is_server, without_secrets
from orchestrator.tracking.artifact_location import local_folder
from orchestrator.tracking.client import IMAGE_PATH, KIND_TAG, child_runs, client_for
from orchestrator.tracking.run_content import LoggedEnvironment

Item = TypeVar("Item")
MAX_PICTURES = 160
"""Sample grids in one report, as long as each trial that shows any has one: with 24 trials, 6 of each trial."""
READING_THREADS = 8


def read_sweep(tracking_uri: str, sweep: str, parent_run_id: str | None = None) -> SweepData:
    """Read the sweep of this parent run, or of the newest parent run of this name.

    Raises UserError if MLflow or the sweep cannot be read.
    """
    parent, children = _runs(tracking_uri, sweep, parent_run_id)
    reader = _Reader(tracking_uri)
    logged = reader.sweep(parent, sweep)
    by_key = {run.tags.key: run for run in children}
    with ThreadPoolExecutor(READING_THREADS) as pool:
        runs = list(pool.map(lambda trial: reader.run_data(trial, by_key.get(trial.key)), logged.trials))
        rows = leaderboard.rows(runs) if len(runs) > MAX_WITH_SAMPLES else []
        with_samples = [runs[number] for number in shown_trials(runs, rows, MAX_WITH_SAMPLES)]
        per_trial = max(1, MAX_PICTURES // max(1, len(with_samples)))
        pictures = pool.map(lambda run: reader.pictures(by_key.get(run.key), per_trial), with_samples)
        for run, of_run in zip(with_samples, pictures, strict=True):
            run.pictures = of_run
    spaces = {group: sample.space for group, sample in logged.samples.items()}
    for run in runs:
        drawn = spaces[run.group].paths if run.group in spaces else ()
        run.sampled = tuple(path for path in drawn if path in run.factors)
    command = ["orchestrate", "import" if logged.imported else "sweep", logged.file]
    command += [word for override in logged.overrides for word in ("--set", override)]
    return SweepData(
        name=logged.name,
        question=logged.question,
        tracking_uri=without_secrets(tracking_uri),
        run_id=parent.run_id,
        cautions=[*logged.cautions, *run_cautions(runs), *evaluator_cautions(runs)],
        commands=[command],
        runs=runs,
        real=reader.real_pictures(runs, by_key),
        answer=logged.answer,
        stop_early=logged.stop_early,
        reported_seeds=logged.reported_seeds,
        looked=[design.seeds for design in logged.looked],
        imports={logged.name: logged.imported} if logged.imported else {},
        spaces=spaces,
        explored=logged.explored,
    )


@contextmanager
def _errors_as_user_error(tracking_uri: str) -> Iterator[None]:
    """Whatever MLflow's client raises in this context becomes a UserError: also for a hostile answer."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"MLflow at {without_secrets(tracking_uri)} cannot be read: {first_line(error)}") from None


def _runs(tracking_uri: str, sweep: str, parent_run_id: str | None) -> tuple[LoggedRun, list[LoggedRun]]:
    """The parent run and its child runs. Raises UserError."""
    with _errors_as_user_error(tracking_uri):
        client = client_for(tracking_uri)
        experiment = client.get_experiment_by_name(sweep)
        run = client.get_run(parent_run_id) if parent_run_id else _newest_parent(client, experiment)
    if not experiment or not run:
        safe_uri = without_secrets(tracking_uri)
        raise UserError(f"MLflow at {safe_uri} holds no sweep {sweep!r}; `orchestrate sweep FILE` makes one")
    parent = logged_run(run, tracking_uri)
    with _errors_as_user_error(tracking_uri):
        children = child_runs(client, experiment.experiment_id, parent.run_id)
        return parent, [logged_run(child, tracking_uri) for child in children]


def _newest_parent(client: Any, experiment: Any) -> Any:
    if not experiment:
        return None
    order = ["attributes.start_time DESC"]
    runs = client.search_runs([experiment.experiment_id], f"tags.`{KIND_TAG}` = 'sweep'", order_by=order, max_results=1)
    return runs[0] if runs else None


_retry_request = retry(
    retry=retry_if_not_exception_type(artifact_schemas.Damaged),
    stop=stop_after_attempt(3),
    wait=wait_exponential(0.5),
    reraise=True,
)
"""A report needs thousands of requests, so it must not fail because the answer to one was lost."""


class _Reader:
    """Reads the artifacts of MLflow runs."""

    def __init__(self, tracking_uri: str):
        self.tracking_uri = tracking_uri
        self._cards: dict[str, LoggedEvaluator] = {}
        self._environments: dict[bytes, LoggedEnvironment] = {}

    def read(self, run: LoggedRun, path: str) -> bytes:
        folder = local_folder(run.artifact_uri)
        file = folder / path if folder else self._download(run, path)
        if not file.is_file():  # a pipe would hang
            raise artifact_schemas.Damaged("no file")
        return file.read_bytes()

    @_retry_request
    def _download(self, run: LoggedRun, path: str) -> Path:
        from mlflow.artifacts import download_artifacts

        return Path(download_artifacts(artifact_uri=f"{run.artifact_uri}/{path}", tracking_uri=self.tracking_uri))

    def read_checked(self, run: LoggedRun, path: str, parse: Callable[[bytes], Item]) -> Item:
        """An artifact of the run, parsed. Raises UserError if it is damaged or cannot be read."""
        with artifact_schemas.named_in_errors(run.run_id, path):
            return parse(self.read(run, path))

    def list_files(self, run: LoggedRun, folder: str = "") -> set[str]:
        """The paths of the files and folders in an artifact folder of the run. Raises UserError."""
        local = local_folder(run.artifact_uri)
        with _errors_as_user_error(self.tracking_uri):
            names = _names_in(local / folder) if local else self._listed_names(run, folder)
        return {f"{folder}/{name}".lstrip("/") for name in names}

    @_retry_request
    def _listed_names(self, run: LoggedRun, folder: str) -> list[str]:
        from mlflow.artifacts import list_artifacts

        uri = f"{run.artifact_uri}/{folder}".rstrip("/")
        # the paths that MLflow lists begin with the name of the last folder
        return [Path(entry.path).name for entry in list_artifacts(artifact_uri=uri, tracking_uri=self.tracking_uri)]

    def sweep(self, parent: LoggedRun, name: str) -> LoggedSweep:
        """The sweep's own description. Raises UserError if its run has none."""
        if "sweep.json" not in self.list_files(parent):
            raise UserError(f"run {parent.run_id} in MLflow has no sweep.json; `orchestrate sync {name}` sends it")
        return self.read_checked(parent, "sweep.json", artifact_schemas.sweep)

    def run_data(self, trial: LoggedTrial, run: LoggedRun | None) -> RunData:
        """One trial without its pictures. `run`: its MLflow run, or None if it has not started."""
        data = RunData(
            trial.key,
            trial.name,
            trial.group,
            trial.configuration,
            trial.seed,
            trial.factors,
            trial.steps,
            trial.confirms,
        )
        if run is None:
            return data
        self._take_run(data, run)
        files = self.list_files(run)
        if "environment.json" in files:
            data.environment = self.read_checked(run, "environment.json", self._environment)
        if run.tags.evaluator and "evaluator.json" in files:
            data.evaluator = self._card(run)
        if "history.jsonl" in files:
            data.history = curves(self.read_checked(run, "history.jsonl", artifact_schemas.history))
        return data

    def _environment(self, content: bytes) -> LoggedEnvironment:
        """{} if the worker never started. Read once for all runs that have the same one. Raises Damaged."""
        if content not in self._environments:
            environment = artifact_schemas.environment(content)
            self._environments[content] = environment if "packages" in environment else {}
        return self._environments[content]

    def pictures(self, run: LoggedRun | None, most: int) -> list[tuple[int, bytes]]:
        """(step, PNG) of at most `most` sample grids of a run, by step."""
        if run is None:
            return []
        paths = self._picture_paths(run)
        return [
            (step, self.read_checked(run, path, artifact_schemas.picture)) for step, path in evenly_spaced(paths, most)
        ]

    def _take_run(self, data: RunData, run: LoggedRun) -> None:
        """Take what the run itself tells: tags, parameters and last metrics."""
        tags = run.tags
        data.run_id = run.run_id
        if is_server(self.tracking_uri):  # which has a page for each run
            server = without_secrets(self.tracking_uri).rstrip("/")
            data.url = f"{server}/#/experiments/{run.experiment_id}/runs/{data.run_id}"
        data.status, data.verdict, data.reason = tags.status, tags.verdict or "", tags.reason or tags.error
        data.since, data.rules = tags.since, run.rules
        data.lost_at, data.ended_early = tags.lost_at, tags.ended_early
        data.stopped = tags.stopped_at is not None
        data.latest, data.settings = run.metrics, run.params
        data.began_ms, data.hardware = run.began_ms, run.hardware

    def _card(self, run: LoggedRun) -> LoggedEvaluator:
        """The card of the evaluator that measured the run, read once for all runs of this evaluator."""
        evaluator = run.tags.evaluator
        if evaluator not in self._cards:
            self._cards[evaluator] = self.read_checked(run, "evaluator.json", artifact_schemas.card)
        return self._cards[evaluator]

    def _picture_paths(self, run: LoggedRun) -> list[tuple[int, str]]:
        """(step, artifact path) of the sample grids, by step, one for each step."""
        matches = [match for path in self.list_files(run, "images") if (match := IMAGE_PATH.fullmatch(path))]
        return sorted({int(match["step"]): match[0] for match in matches if match["key"] == "samples"}.items())

    def real_pictures(self, runs: list[RunData], by_key: dict[str, LoggedRun]) -> list[tuple[str, bytes]]:
        """(caption, PNG) of real images: one for each group, but each picture once."""
        examples: dict[str, LoggedRun] = {}
        for run in runs:
            if run.evaluator and run.group not in examples and "real.png" in self.list_files(by_key[run.key]):
                examples[run.group] = by_key[run.key]
        groups: dict[bytes, list[str]] = {}
        for group, example in examples.items():
            picture = self.read_checked(example, "real.png", artifact_schemas.picture)
            groups.setdefault(picture, []).append(group)
        if len(groups) == 1:
            return [("real images", picture) for picture in groups]
        return [(f"real images of {', '.join(names)}", picture) for picture, names in groups.items()]


def _names_in(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def curves(rows: Sequence[dict[str, float]]) -> dict[str, Curve]:
    """Rows of history.jsonl -> metric -> its curve. Metrics that the same rows have share the array of their steps."""
    shared: dict[bytes, np.ndarray] = {}
    of_metrics: dict[str, Curve] = {}
    for name in dict.fromkeys(chain.from_iterable(rows)):
        if name not in metric_names.POSITION:
            with_metric = [row for row in rows if name in row]
            steps = np.array([row["step"] for row in with_metric], dtype=np.int64)
            values = np.array([row[name] for row in with_metric])
            of_metrics[name] = shared.setdefault(steps.tobytes(), steps), values
    return of_metrics


def evenly_spaced(items: list[Item], limit: int) -> list[Item]:
    """At most `limit` of the items at even distances, with the last one and, if `limit` is 2 or more, the first."""
    if len(items) <= limit:
        return items
    if limit == 1:
        return items[-1:]
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]
