"""The content of MLflow runs: pure functions from records and settings to tags, parameters, points and data sets."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from gan_core import metric_names
from gan_core.config.elements import ELEMENTS
from gan_core.config.identity import NOT_IDENTITY
from gan_core.data.dataset_card import DatasetCard
from gan_core.error_text import last_line
from gan_core.training_settings import AppliedSettings
from gan_core.verdict.names import VerdictName
from gan_core.verdict.rules import VERDICTS
from orchestrator.environment import Environment
from orchestrator.escaping import escape_markdown
from orchestrator.store.record import Record, RecordedVerdict
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.client import FOLDER_TAG, KEY_TAG, KIND_TAG, RunStatus

SOURCE_TAGS = {"mlflow.source.name": "orchestrate", "mlflow.source.type": "LOCAL"}
LOST_TAG, ENDED_EARLY_TAG, STOPPED_TAG = "early.lost_at", "early.ended", "early.stopped_at"
"""From which step on no more could be hoped for of a trial, and whether it was ended there."""
IS_ENDED_EARLY = "true"
IMPORT_TAG = "import.content"
"""Of an imported run: `content_digest` of what it was written from."""
MAX_PARAMETER_LENGTH, MAX_TAG_LENGTH = 6000, 8000
"""MLflow's limits for one value, in characters."""
_RUN_STATUSES = {TrialStatus.FINISHED: RunStatus.FINISHED, TrialStatus.FAILED: RunStatus.FAILED}


class LoggedEnvironment(Environment, total=False):
    """environment.json: a record's environment and `applied` settings; {} if the trial never started."""

    applied: AppliedSettings


class Point(NamedTuple):
    """One value of a metric, in the order of the arguments of MLflow's Metric. `time_ms`: since 1970."""

    metric: str
    value: float
    time_ms: int
    step: int


def record_state(record: Record) -> str:
    """A text that changes whenever the record has something new for MLflow."""
    rules = f"/{record.verdict['rules']}" if record.verdict and "rules" in record.verdict else ""
    return f"{record.status}/{len(record.attempts)}/{record.step}{rules}"


def run_status(record: Record) -> RunStatus:
    """MLflow's status for the run of a trial that nobody trains."""
    return _RUN_STATUSES.get(record.status, RunStatus.KILLED)


def truncate(text: str, limit: int) -> str:
    """Not left to MLflow, because the value is compared with the one that MLflow holds."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def parent_tags(folder_id: str) -> dict[str, str]:
    """The tags that a parent run is created with. `folder_id`: `SweepFolder.folder_id`."""
    return {KIND_TAG: "sweep", FOLDER_TAG: folder_id, **SOURCE_TAGS}


def parent_description(question: str, answer: str) -> str:
    """The description of the parent run, in Markdown."""
    title = f"**{escape_markdown(question)}**"
    return truncate(f"{title}\n\n{escape_markdown(answer)}" if answer else title, MAX_TAG_LENGTH)


def sweep_metrics(records: Iterable[Record]) -> dict[str, float]:
    """The metrics of the parent run, from the trials that have ended; {} if there are none.

    `share/<verdict>` and `share/failed`: of these trials. `best_frechet/<evaluator>`: the smallest distance of any.
    """
    ended = [record for record in records if record.has_ended]
    outcomes = Counter(record.verdict["name"] if record.verdict else str(record.status) for record in ended)
    ends = (*VERDICTS, TrialStatus.FAILED)
    metrics = {metric_names.share(name): outcomes[name] / len(ended) for name in ends if ended}
    for record in ended:
        for name in filter(metric_names.is_frechet, record.best):
            best = metric_names.best(name)
            metrics[best] = min(record.best[name], metrics.get(best, math.inf))
    return metrics


def name_tags(trial: TrialDocument) -> dict[str, str]:
    """The names of a trial. They may change when its sweep file does, and its key stays the same."""
    names = {"mlflow.runName": trial["name"], "group": trial["group"], "configuration": trial["configuration"]}
    return {name: truncate(text, MAX_TAG_LENGTH) for name, text in names.items()}


def child_tags(sweep: str, parent_run_id: str, trial: TrialDocument, record: Record) -> dict[str, str]:
    """The tags that a trial's run is created with."""
    commit = record.environment.get("git_commit")
    return {
        KIND_TAG: "trial",
        KEY_TAG: trial["key"],
        "mlflow.parentRunId": parent_run_id,
        **SOURCE_TAGS,
        **({"mlflow.source.git.commit": commit} if commit else {}),
        "sweep": sweep,
        **name_tags(trial),
        "seed": str(trial["seed"]),
        "stage": "confirmation" if trial["confirms"] else "selection",
        **({IMPORT_TAG: content_digest(record)} if "settings" in trial else {}),
    }


def content_digest(record: Record) -> str:
    """Differs if an imported trial has another history, verdict or evaluator than before."""
    history = record.history.sha256 if record.history else ""
    text = json.dumps([history, record.verdict, record.evaluator.get("id"), record.step], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def parameters(trial: TrialDocument, settings: dict[str, Any]) -> dict[str, str]:
    """The settings that act and the trial's levels. Numbers have no exponent, because MLflow sorts them as text."""
    values = {**settings, **trial["factors"], "seed": trial["seed"]}
    left_out = {*NOT_IDENTITY, *ELEMENTS}  # their lists are among the settings, and MLflow takes no [ in a name
    acting = {path: value for path, value in values.items() if path not in left_out and value is not None}
    return {path: truncate(_as_text(value), MAX_PARAMETER_LENGTH) for path, value in acting.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple | dict | bool):
        return json.dumps(value)
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)


def dataset(settings: dict[str, Any], card: DatasetCard) -> dict[str, str]:
    """The arguments of MLflow's Dataset. Its digest is the data's fingerprint."""
    shape = [-1, card["channels"], card["image_size"], card["image_size"]]
    schema = {"features": _tensors("uint8", shape), "targets": _tensors("int64", [-1]) if card["classes"] else None}
    path = settings.get("data.path") or settings.get("data.root") or card["name"]
    elements = card["images"] * card["channels"] * card["image_size"] ** 2
    counts = {"num_rows": card["images"], "num_elements": elements, "num_test_rows": card["test_images"]}
    return {
        "name": card["name"],
        "digest": card["fingerprint"],
        "source_type": "local",
        "source": json.dumps({"uri": path}),
        "schema": json.dumps({"mlflow_tensorspec": schema}),
        "profile": json.dumps({**counts, "classes": card["classes"]}),
    }


def _tensors(dtype: str, shape: list[int]) -> str:
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}])


def end_tags(record: Record) -> dict[str, str]:
    """The tags that tell how a trial ended."""
    verdict: RecordedVerdict = record.verdict or {"name": "", "reason": "", "since": None, "evidence": {}}
    tags = {
        "status": str(record.status),
        "verdict": verdict["name"],
        "verdict.reason": verdict["reason"],
        "verdict.since": str(verdict["since"]),
        "verdict.rules": str(verdict.get("rules", 1)) if record.verdict else "",
        LOST_TAG: "" if record.lost_at is None else str(record.lost_at),
        ENDED_EARLY_TAG: IS_ENDED_EARLY if record.ended_early else "",
        STOPPED_TAG: "" if not record.stopped else str(record.stopped_at),
        "error": last_line(record.error or ""),
        "mlflow.note.content": f"**{verdict['name']}**: {verdict['reason']}" if record.verdict else "",
        "precision": str(record.applied.get("precision", "")),
        "device": record.device,
        **({"best.step": str(int(record.best["step"]))} if record.best else {}),
    }
    return {name: truncate(text, MAX_TAG_LENGTH) for name, text in tags.items()}


def row_points(row: dict[str, float]) -> list[Point]:
    """The points of one row of history.jsonl."""
    time_ms, step = int(row["time"]), int(row["step"])
    return [Point(name, value, time_ms, step) for name, value in row.items() if name not in metric_names.POSITION]


def end_points(record: Record) -> list[Point]:
    """The points that a trial gets when it has finished; [] before, since its best evaluation may still change.

    `best_frechet/<evaluator>`, at the step of the best evaluation, and `verdict/stable`, 1 or 0: MLflow groups runs by
    `configuration` and averages metrics, so it shows the share of stable runs. Their time is the start of the trial,
    which does not change, so that sending them again adds no point. The step of a verdict is after the last one of the
    trial by the version of its rules, so that a verdict by newer rules is a new point, and MLflow's last one.
    """
    if record.status != TrialStatus.FINISHED:
        return []
    time_ms = record.attempts[0].began if record.attempts else 0
    points: list[Point] = []
    if record.best:
        name = metric_names.frechet(record.evaluator["id"])
        points.append(Point(metric_names.best(name), record.best[name], time_ms, int(record.best["step"])))
    if record.verdict:
        is_stable = float(record.verdict["name"] == VerdictName.STABLE)
        step = record.step + record.verdict.get("rules", 1) - 1
        points.append(Point(metric_names.VERDICT_STABLE, is_stable, time_ms, step))
    return points
