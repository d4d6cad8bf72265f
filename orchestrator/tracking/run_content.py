"""What the runs of a sweep say in MLflow: pure functions from records and settings to tags, parameters and points."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from gan_core import metric_names
from gan_core.config.identity import NOT_IDENTITY
from gan_core.data.dataset_card import DatasetCard
from gan_core.error_text import last_line
from orchestrator.escaping import in_markdown
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.client import FOLDER, KEY, KIND

SOURCE = {"mlflow.source.name": "orchestrate", "mlflow.source.type": "LOCAL"}
"""1 or 0, so that MLflow, which groups runs by `configuration` and averages metrics, shows the share of stable runs."""


MAX_PARAMETER, MAX_TAG = 6000, 8000
"""MLflow's limits for one value, in characters."""


def state(record: Record) -> str:
    """Changes whenever a record has something new to tell."""
    return f"{record.status}/{len(record.attempts)}/{record.step}"


def cut(text: str, most: int) -> str:
    """Cut here, not by MLflow: a value is compared with what MLflow has."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def parent_tags(folder: str) -> dict[str, str]:
    return {KIND: "sweep", FOLDER: folder, **SOURCE}


def parent_note(question: str, answer: str) -> str:
    """The parent's description, in Markdown."""
    asked = f"**{in_markdown(question)}**"
    return cut(f"{asked}\n\n{in_markdown(answer)}" if answer else asked, MAX_TAG)


def trial_tags(trial: TrialDocument) -> dict[str, str]:
    """What a trial is called: it may be called differently when its sweep is asked for again."""
    called = {"mlflow.runName": trial["name"], "group": trial["group"], "configuration": trial["configuration"]}
    return {name: cut(text, MAX_TAG) for name, text in called.items()}


def child_tags(sweep: str, parent: str, trial: TrialDocument, record: Record) -> dict[str, str]:
    """What a trial's run is made with."""
    commit = record.environment.get("git_commit")
    return {
        KIND: "trial",
        KEY: trial["key"],
        "mlflow.parentRunId": parent,
        **SOURCE,
        **({"mlflow.source.git.commit": commit} if commit else {}),
        "sweep": sweep,
        **trial_tags(trial),
        "seed": str(trial["seed"]),
        "stage": "confirmation" if trial["confirms"] else "selection",
    }


def parameters(trial: TrialDocument, settings: dict[str, Any]) -> dict[str, str]:
    """The settings that act and the trial's levels. Numbers are written out: MLflow sorts parameters as text."""
    found = {**settings, **trial["factors"], "seed": trial["seed"]}
    acting = {path: value for path, value in found.items() if path not in NOT_IDENTITY and value is not None}
    return {path: cut(_as_text(value), MAX_PARAMETER) for path, value in acting.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple | dict | bool):
        return json.dumps(value)
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)


def dataset(settings: dict[str, Any], card: DatasetCard) -> dict[str, str]:
    """The data as MLflow's Dataset takes it. `card`: an ImageSet's. The digest is the data's fingerprint."""
    shape = [-1, card["channels"], card["image_size"], card["image_size"]]
    schema = {"features": _tensors("uint8", shape), "targets": _tensors("int64", [-1]) if card["classes"] else None}
    where = settings.get("data.path") or settings.get("data.root") or card["name"]
    elements = card["images"] * card["channels"] * card["image_size"] ** 2
    counts = {"num_rows": card["images"], "num_elements": elements, "num_test_rows": card["test_images"]}
    return {
        "name": card["name"],
        "digest": card["fingerprint"],
        "source_type": "local",
        "source": json.dumps({"uri": where}),
        "schema": json.dumps({"mlflow_tensorspec": schema}),
        "profile": json.dumps({**counts, "classes": card["classes"]}),
    }


def _tensors(dtype: str, shape: list[int]) -> str:
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}])


def end_tags(record: Record) -> dict[str, str]:
    """How a trial ended."""
    verdict = record.verdict or {"name": "", "reason": "", "since": None}
    found = {
        "status": str(record.status),
        "verdict": verdict["name"],
        "verdict.reason": verdict["reason"],
        "verdict.since": str(verdict["since"]),
        "error": last_line(record.error or ""),
        "mlflow.note.content": f"**{verdict['name']}**: {verdict['reason']}" if record.verdict else "",
        "precision": str(record.applied.get("precision", "")),
        "device": record.device,
        **({"best.step": str(int(record.best["step"]))} if record.best else {}),
    }
    return {name: cut(text, MAX_TAG) for name, text in found.items()}


Point = tuple[str, float, int, int]
"""(metric, value, time in ms, step), as MLflow's Metric takes them."""


def row_points(row: dict[str, float]) -> list[Point]:
    when, step = int(row["time"]), int(row["step"])
    return [(name, value, when, step) for name, value in row.items() if name not in metric_names.POSITION]


def end_points(record: Record) -> list[Point]:
    """`best_frechet/<evaluator>` at the step of the best evaluation, and whether a trial with a verdict was stable.

    None before the trial has ended: what is best until then may not stay so. Their time does not change, so that
    sending them again adds no point.
    """
    if record.status != TrialStatus.FINISHED:
        return []
    when = record.attempts[0].began if record.attempts else 0
    found: list[Point] = []
    if record.best:
        name = metric_names.frechet(record.evaluator["id"])
        found.append((metric_names.best(name), record.best[name], when, int(record.best["step"])))
    if record.verdict:
        found.append((metric_names.VERDICT_STABLE, float(record.verdict["name"] == "stable"), when, record.step))
    return found
