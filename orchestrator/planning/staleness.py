"""Results in the folder of a sweep that were made with other code, data or settings than those of today."""

from __future__ import annotations

from collections import Counter
from typing import Any

from gan_core.config.identity import NOT_IDENTITY, flatten
from orchestrator.environment import Environment
from orchestrator.errors import short_repr
from orchestrator.formatting import count_of
from orchestrator.planning.added_seeds import added_sentence
from orchestrator.planning.drawn_points import redrawn_lines
from orchestrator.planning.earlier_looks import looked_seeds, looked_sentence
from orchestrator.planning.explored_words import rechosen_line
from orchestrator.planning.extension import extensions
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.trial_status import TrialStatus


def code_difference(then: Environment, now: Environment) -> str | None:
    """How the code of two environments differs: "commit 1a2b3c4, now 5d6e7f8"; None if not.

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


def finished_with_other_code(plan: Plan, now: Environment) -> dict[str, str]:
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


def left_trials(plan: Plan) -> list[TrialDocument]:
    """The trials of the last command that have begun and are not part of this plan, without those of `--confirm`.

    Their files stay in the folder.
    """
    gone = plan.folder.begun_keys() - {planned.key for planned in plan.trials}
    return [trial for trial in plan.earlier_trials() if trial["key"] in gone and not trial.get("confirms")]


def changes_since_last_command(plan: Plan) -> list[str]:
    """What of the last command's trials is not part of this plan, and why, as lines."""
    replaced, longer = replaced_trials(plan), extensions(plan)
    starts = {key: longer[key].start if key in longer else "trained from step 0" for key in replaced}
    if plan.explored:
        lines = [line for line in [rechosen_line(plan.earlier_explored(), plan.explored)] if line]
    else:
        lines = redrawn_lines(plan.earlier_samples(), plan.earlier_trials(), plan.sweep.samples)
    for (reason, start), count in Counter((reason, starts[key]) for key, reason in replaced.items()).items():
        verb = "is" if count == 1 else "are"
        effect = "the earlier results are kept but leave this sweep"
        lines.append(f"{count_of(count, 'trial')} {verb} new because {reason}, and {start}; {effect}")
    before = {trial["seed"] for trial in plan.earlier_trials() if not trial.get("confirms")}
    is_new = not before.issuperset(plan.sweep.seeds)
    if plan.sweep.until is None:
        looked = looked_sentence(looked_seeds([design["seeds"] for design in plan.looked], plan.sweep.seeds))
        added = added_sentence(plan.reported_seeds, plan.sweep.seeds) if is_new else ""
        lines += [f"caution: {sentence}" for sentence in [looked or added] if sentence]
    names = {planned.trial.name for planned in plan.trials}
    if left := [trial for trial in left_trials(plan) if trial["name"] not in names]:
        leave = "leave" if len(left) > 1 else "leaves"
        reason = f" ({', '.join(gone)})" if (gone := _no_longer_asked(plan, left)) else ""
        back = "a command that includes them again uses their results"
        lines.append(
            f"{count_of(len(left), 'trial')} of the last command {leave} this sweep and its report{reason}; {back}"
        )
    return lines


def _no_longer_asked(plan: Plan, left: list[TrialDocument]) -> list[str]:
    """The seeds and groups that the trials have and the plan has not."""
    seeds = sorted({trial["seed"] for trial in left} - {planned.trial.seed for planned in plan.trials})
    groups = sorted({trial["group"] for trial in left} - {planned.trial.group for planned in plan.trials})
    named = {"seed": list(map(str, seeds)), "group": groups}
    return [f"{word}{'s' * (len(values) > 1)} {', '.join(values)}" for word, values in named.items() if values]


def _changed_settings(then: dict[str, Any], now: dict[str, Any]) -> str:
    changed = [path for path in now if path not in NOT_IDENTITY and then.get(path) != now[path]]
    if not changed:
        return "the data changed"
    steps = [f"{path} changed ({short_repr(then.get(path))} -> {short_repr(now[path])})" for path in changed]
    return " and ".join(steps)
