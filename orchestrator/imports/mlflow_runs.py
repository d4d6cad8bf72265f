"""The runs of an MLflow experiment: their parameters and tags, and the histories of their metrics."""

from __future__ import annotations

from typing import Any

from gan_core.error_text import first_line
from orchestrator.errors import UserError, did_you_mean, short_repr
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.source_run import Point, SourceLog, SourceRun, named
from orchestrator.imports.values import setting_value
from orchestrator.tracking import sqlite
from orchestrator.tracking.address import check_uri, without_secrets
from orchestrator.tracking.client import PAGE_SIZE, client_for

TAGS = "tags."
"""Before the name of a tag, which is a setting like a parameter."""
ENDED = "FINISHED"


def read(mapping: Mapping) -> SourceLog:
    """The runs of an experiment that have one of the mapped metrics. Raises UserError."""
    uri = mapping.source
    try:
        check_uri(uri)
        address = without_secrets(uri)
    except UserError:  # its text is about MLFLOW_TRACKING_URI
        raise UserError(
            f"{mapping.line_of('from.mlflow')}: from.mlflow: no MLflow answers at this address; check that it "
            "runs, and write http://HOST:PORT, sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None
    if (file := sqlite.database_file(uri)) and not file.exists():
        raise UserError(f"{mapping.line_of('from.mlflow')}: from.mlflow: {file} does not exist")
    try:
        return _read(mapping, client_for(uri), address)
    except UserError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
        raise UserError(f"MLflow at {address} cannot be read: {first_line(error)}") from None


def _read(mapping: Mapping, client: Any, address: str) -> SourceLog:
    experiment = client.get_experiment_by_name(mapping.experiment)
    if experiment is None:
        known = [each.name for each in client.search_experiments()]
        hint = did_you_mean(mapping.experiment, known) if known else ""
        raise UserError(
            f"{mapping.line_of('from.experiment')}: from.experiment: MLflow at {address} has no experiment "
            f"{short_repr(mapping.experiment)}{hint or f'; it has {named(known)}'}"
        )
    wanted = [source.name for source in mapping.metrics.values()]
    runs, left_out, unended, names = [], [], [], set[str]()
    for run in _all_runs(client, experiment.experiment_id):
        name = run.info.run_name or run.info.run_id
        settings = _settings(run)
        names |= {*settings, *run.data.metrics}
        series = {metric: _points(client, run.info.run_id, metric) for metric in wanted if metric in run.data.metrics}
        if not series:
            left_out.append(name)
            continue
        runs.append(SourceRun(name, settings, series))
        if run.info.status != ENDED:
            unended.append(f"{name} ({run.info.status.lower()})")
    cautions = []
    if left_out:
        cautions.append(f"runs without any of the mapped metrics are left out: {named(left_out)}")
    if unended:
        cautions.append(f"runs that have not finished are judged by what they logged: {named(unended)}")
    return SourceLog(f"experiment {mapping.experiment} of MLflow at {address}", runs, sorted(names), cautions)


def _all_runs(client: Any, experiment_id: str) -> list[Any]:
    """The runs that are not deleted, the oldest first."""
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], max_results=PAGE_SIZE, order_by=["attributes.start_time ASC"], page_token=token
        )
        runs += page
        token = page.token
        if not token:
            return runs


def _settings(run: Any) -> dict[str, Any]:
    tags = {f"{TAGS}{name}": text for name, text in run.data.tags.items() if not name.startswith("mlflow.")}
    return {name: setting_value(text) for name, text in {**run.data.params, **tags}.items()}


def _points(client: Any, run_id: str, metric: str) -> list[Point]:
    """In the order in which they were logged: of a step that was logged twice, the last value counts."""
    history = sorted(client.get_metric_history(run_id, metric), key=lambda point: point.timestamp)
    return [Point(point.step, point.value, point.timestamp) for point in history]
