"""Results in the folder of a sweep that were made with other code, data or settings than those of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_core.config.identity import NOT_IDENTITY, flatten
from orchestrator.errors import short_repr
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.trial_status import TrialStatus


def code_difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """How the code of two environments (`environment.describe`) differs: "commit 1a2b3c4, now 5d6e7f8"; None if not.

    If both commits are known they are compared, else the versions of the package; torch's version counts as well.
    """
    if not then:
        return None
    differences = []
    commits = then.get("git_commit"), now.get("git_commit")
    if all(commits):
        differences += _changed("commit", *map(_short, commits))
    else:
        differences += _changed("version", *(made_with["packages"]["gan-orchestrator"] for made_with in (then, now)))
    differences += _changed("torch", *(made_with["packages"]["torch"] for made_with in (then, now)))
    return "; ".join(differences) or None


def _changed(name: str, then: str, now: str) -> list[str]:
    return [] if then == now else [f"{name} {then}, now {now}"]


def _short(commit: Any) -> str:
    name, dirty, _ = str(commit).partition("-dirty")
    return name[:7] + dirty


def finished_with_other_code(plan: Plan, now: Mapping[str, Any]) -> dict[str, str]:
    """key -> how the code differs, for each finished trial that was made with other code. These trials are kept."""
    finished = (planned for planned in plan.trials if planned.state == TrialStatus.FINISHED)
    reasons = {planned.key: code_difference(planned.record.environment, now) for planned in finished}
    return {key: reason for key, reason in reasons.items() if reason}


def replaced_trials(plan: Plan) -> dict[str, str]:
    """key -> the cause, for each trial that replaces one of the same name from the last command.

    A cause reads "steps changed (300 -> 600)". The files of the replaced trial stay in the folder.
    """
    before = {trial["name"]: trial["key"] for trial in plan.earlier_trials()}
    reasons = {}
    for planned in plan.trials:
        old = before.get(planned.trial.name, planned.key)
        then = read_json_or_none(plan.folder.trial(old).config_file) if old != planned.key else None
        if then:  # it has begun
            reasons[planned.key] = _changed_settings(flatten(then), flatten(planned.config.model_dump(mode="json")))
    return reasons


def _changed_settings(then: dict[str, Any], now: dict[str, Any]) -> str:
    changed = [path for path in now if path not in NOT_IDENTITY and then.get(path) != now[path]]
    if not changed:
        return "the data changed"
    steps = [f"{path} changed ({short_repr(then.get(path))} -> {short_repr(now[path])})" for path in changed]
    return " and ".join(steps)
