"""Trials that another sweep of the same home has finished. The same key is the same training, so they are copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from orchestrator.formatting import count_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.repair import damaged_files
from orchestrator.store.sweep_folder import SweepFolder, sweep_folders
from orchestrator.store.trial_copy import copy_trial
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


def finished_elsewhere(plan: Plan) -> dict[str, SweepFolder]:
    """key -> the sweep that has finished the trial, for the trials of the plan that have not begun here."""
    pending = {planned.key for planned in plan.trials if planned.state == TrialStatus.PENDING}
    sources = dict[str, SweepFolder]()
    for sweep in sweep_folders(plan.folder.home):
        if sweep.name != plan.folder.name:
            keys = pending & sweep.begun_keys()
            sources |= {key: sweep for key in keys if _is_whole(sweep.trial(key), plan.sweep.stop_early)}
    return sources


def _is_whole(folder: TrialFolder, stop_early: bool) -> bool:
    """`stop_early`: whether a trial that was ended early is whole."""
    record = folder.record()
    is_finished = (
        record.status == TrialStatus.FINISHED and (stop_early or not record.ended_early) and not record.stopped
    )
    return is_finished and not damaged_files(folder, record)


def with_reusable_records(plan: Plan) -> tuple[Plan, list[str]]:
    """The plan as it is once these trials are copied, and a line for each sweep that they come from."""
    sources = finished_elsewhere(plan)
    trials = [
        replace(planned, record=sources[planned.key].trial(planned.key).record()) if planned.key in sources else planned
        for planned in plan.trials
    ]
    return replace(plan, trials=trials), _lines(sources)


def copy_reusable(plan: Plan, note: Callable[[str], None]) -> Plan:
    """Copy these trials into the plan's folder; returns the plan with their records. Raises OSError."""
    sources = finished_elsewhere(plan)
    for key, sweep in sources.items():
        source = sweep.trial(key)
        copy_trial(source, plan.folder.trial(key), source.record())
    for line in _lines(sources):
        note(line)
    return plan.with_current_records() if sources else plan


def _lines(sources: dict[str, SweepFolder]) -> list[str]:
    counts = Counter(sweep.name for sweep in sources.values())
    return [
        f"{count_of(count, 'trial')} {'are' if count > 1 else 'is'} the same as in sweep {name}, which has finished "
        f"{'them' if count > 1 else 'it'}: copied, not trained again"
        for name, count in counts.items()
    ]
