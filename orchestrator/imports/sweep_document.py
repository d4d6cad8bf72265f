"""Imported runs -> what the home keeps of them: `sweep.json`, records, histories. Pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gan_core import metric_names
from gan_core.evaluator_card import EvaluatorCard
from gan_core.verdict.judge import best_evaluation
from orchestrator.command_hints import client_path
from orchestrator.formatting import configuration_name
from orchestrator.imports.convert import factors_of
from orchestrator.imports.evidence import verdict_of
from orchestrator.imports.imported_run import ImportedRun, evaluator_id
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.values import NOT_SET
from orchestrator.store.history_log import HistoryDigest, encode_rows
from orchestrator.store.record import Attempt, Record, recorded
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.trial_status import AttemptOutcome, TrialStatus

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch


class ImportedTrial(NamedTuple):
    """A run as the home keeps it."""

    document: TrialDocument
    record: Record
    rows: list[Row]


def trials_of(runs: Sequence[ImportedRun], classes: int | None) -> list[ImportedTrial]:
    """The trials in the order of groups, levels and seeds, whatever that of the source. classes: of the data.

    So the smallest level of a setting is the first, with which the report compares the others.
    """
    by_group: dict[str, list[ImportedRun]] = {}
    for run in runs:
        by_group.setdefault(run.group, []).append(run)
    factors = {group: factors_of(members) for group, members in by_group.items()}
    trials = [_trial(run, factors[run.group], classes) for members in by_group.values() for run in members]
    return sorted(trials, key=_place)


def _place(trial: ImportedTrial) -> tuple[str, list[tuple[int, float, str]], int]:
    document = trial.document
    return document["group"], [_level_place(level) for level in document["factors"].values()], document["seed"]


def _level_place(level: Any) -> tuple[int, float, str]:
    """What is not set comes first, then numbers (and false before true), then texts and lists."""
    if level == NOT_SET:
        return 0, 0.0, ""
    return (1, float(level), "") if isinstance(level, int | float) else (2, 0.0, json.dumps(level))


def sweep_document(
    mapping: Mapping, trials: Sequence[ImportedTrial], title: str, shown: list[str], cautions: list[str]
) -> SweepDocument:
    """title: the source, in words. shown: the lines that say what was mapped to what."""
    return {
        "name": mapping.sweep,
        "question": mapping.question or f"How stable are the settings of {mapping.sweep}?",
        "file": client_path(mapping.file),
        "seeds": sorted({trial.document["seed"] for trial in trials}),
        "overrides": [],
        "cautions": cautions,
        "data": {},
        "trials": [trial.document for trial in trials],
        "imported": {"source": title, "mapped": shown},
    }


def _trial(run: ImportedRun, factors: list[str], classes: int | None) -> ImportedTrial:
    levels = {name: run.settings[name] for name in factors}
    configuration = configuration_name(run.group, levels)
    key = trial_key(run)
    document: TrialDocument = {
        "key": key,
        "data": "",
        "name": f"{configuration} seed={run.seed}",
        "group": run.group,
        "configuration": configuration,
        "seed": run.seed,
        "factors": levels,
        "steps": max(run.last_step, run.history.last_step),
        "loss": run.loss,
        "confirms": False,
        "settings": run.settings | ({"loss.name": run.loss} if run.loss else {}),
    }
    return ImportedTrial(document, _record(key, run, classes), run.history.rows)


def trial_key(run: ImportedRun) -> str:
    """16 hex digits, by the settings and the seed: the same run imported again has the same key, and a trial that was
    trained here never has one of these.
    """
    identity = {"imported": run.settings, "group": run.group, "seed": run.seed}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _record(key: str, run: ImportedRun, classes: int | None) -> Record:
    history, evaluator = run.history, evaluator_id(run.evaluator)
    content = encode_rows(history.rows)
    attempt = Attempt(
        began=history.first_ms,
        from_step=0,
        outcome=AttemptOutcome.FINISHED,
        ended=history.last_ms,
        to_step=run.last_step,
        message=f"imported: {run.name} in its source",
    )
    return Record(
        key,
        TrialStatus.FINISHED,
        run.last_step,
        recorded(verdict_of(run, classes)),
        {name: value for row in history.rows for name, value in row.items() if name not in metric_names.POSITION},
        evaluator=_card(run.evaluator) if evaluator else EvaluatorCard(),
        best=dict(best_evaluation(history.rows, evaluator) or {}),
        attempts=[attempt],
        history=HistoryDigest(len(content), hashlib.sha256(content).hexdigest()),
    )


def _card(text: str) -> EvaluatorCard:
    """The card of what measured imported runs: only its words are known."""
    return {
        "id": evaluator_id(text),
        "features": "imported",
        "weights": text,
        "preprocessing": "",
        "split": "",
        "real": 0,
        "samples": 0,
        "compared": 0,
        "accuracy": None,
        "kept_out": {},
    }
