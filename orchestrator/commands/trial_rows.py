"""The trials of a sweep as rows: what `orchestrate status` and `plan` print, as JSON or in a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypedDict

from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_running
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.mirror_file import run_ids

if TYPE_CHECKING:
    from orchestrator.planning.plan import Plan  # which loads the data sets: `status` does without


REWRITE_HINT = "the same `orchestrate sweep` writes it again"


class TrialRow(TypedDict):
    """One trial, as `--json` prints it.

    `run_id`: of its MLflow run. `metrics`: the last value of each. `attempts`: their number. `node`: where it runs now,
    otherwise empty. `note`: what was damaged or has changed.
    """

    key: str
    name: str
    group: str
    configuration: str
    seed: int
    status: TrialStatus
    verdict: str | None
    step: int
    steps: int
    run_id: str | None
    metrics: dict[str, float]
    attempts: int
    node: str
    note: str


def rows_of_plan(plan: Plan) -> list[TrialRow]:
    """Every trial of a plan."""
    runs, sweep_runs = run_ids(plan.folder), is_running(plan.folder)
    rows = []
    for planned in plan.trials:
        record = planned.record
        trial_folder = plan.folder.trial(planned.key) if record.history else None
        rows.append(_trial_row(planned.to_document(), record, runs.get(planned.key), sweep_runs, trial_folder))
    return rows


def count_states(rows: list[TrialRow], to_choose: int = 0) -> str:
    """`4 trials: 3 finished (2 stable, 1 collapsed), 1 pending`: in each status, and with each verdict.

    to_choose: how many trials are still to be chosen.
    """
    parts = []
    for status, count in Counter(row["status"] for row in rows).items():
        verdicts = Counter(row["verdict"] for row in rows if row["status"] == status and row["verdict"])
        parts.append(f"{count} {status}{f' ({_counts(verdicts)})' if verdicts else ''}")
    parts += [f"{to_choose} to choose"] if to_choose else []
    return f"{len(rows) + to_choose} trials: {', '.join(parts)}"


def _counts(names: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in names.items())


def rows_of_sweep(folder: SweepFolder, check_histories: bool = False) -> list[TrialRow]:
    """Every trial of a sweep. Raises UserError if there is no such sweep."""
    runs, sweep_runs = run_ids(folder), is_running(folder)
    rows = []
    for trial in folder.document()["trials"]:
        trial_folder = folder.trial(trial["key"])
        record, run_id = trial_folder.record(), runs.get(trial["key"])
        rows.append(_trial_row(trial, record, run_id, sweep_runs, trial_folder if check_histories else None))
    return rows


def _trial_row(
    trial: TrialDocument, record: Record, run_id: str | None, sweep_runs: bool, trial_folder: TrialFolder | None
) -> TrialRow:
    """`sweep_runs`: a command runs the sweep; without one no trial is running. `trial_folder`: None: its history is not
    compared with the record.
    """
    status = record.current_status(sweep_runs)
    is_running = status == TrialStatus.RUNNING
    return {
        "key": trial["key"],
        "name": trial["name"],
        "group": trial["group"],
        "configuration": trial["configuration"],
        "seed": trial["seed"],
        "status": status,
        "verdict": record.verdict["name"] if record.verdict else None,
        "step": record.step,
        "steps": trial["steps"],
        "run_id": run_id,
        "metrics": record.metrics,
        "attempts": len(record.attempts),
        "node": record.attempts[-1].node or "" if is_running else "",
        "note": _note(record, None if is_running else trial_folder),
    }


def _note(record: Record, trial_folder: TrialFolder | None) -> str:
    if record.status == TrialStatus.DAMAGED:
        return record.error or ""
    if trial_folder and not trial_folder.is_history_whole(record):
        return f"{trial_folder.history_file} is damaged or gone; {REWRITE_HINT}"
    return record.note
