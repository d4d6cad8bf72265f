"""`--confirm K`: trains the best K configurations again on new seeds.

The best of many configurations is partly the luckiest (the winner's curse), so the runs that selected it overestimate
how good it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gan_core.config.identity import trial_key
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.ranking import ended_trials, no_ranking_reason, rank_configurations
from orchestrator.store.trial_status import TrialStatus

MIN_SEEDS = 3
"""Fewest new seeds per configuration."""


def with_confirmations(plan: Plan, count: int, note: Callable[[str], None] = lambda text: None) -> Plan:
    """The plan with the trials that confirm its best `count` configurations, once all others are finished.

    Only configurations with a stable run are confirmed; if there is none, `note` gets a line that says so.

    The new seeds are the numbers after the largest seed of the sweep, as many as it has (before its first look, if it
    trains until its question is answered) and at least MIN_SEEDS. Trials
    that an earlier command added and finished stay.
    """
    if any(planned.trial.confirms for planned in plan.trials):
        return plan
    if not count:
        return _with_earlier_confirmations(plan)
    if plan.expected or any(planned.state != TrialStatus.FINISHED for planned in plan.trials):
        return plan
    ended = ended_trials(plan.folder, [planned.to_document() for planned in plan.trials])
    best = [ranked.configuration for ranked in rank_configurations(ended)]
    if not best:
        note(f"nothing is confirmed: {no_ranking_reason(ended)}")
        return plan
    first = max([*plan.sweep.seeds, *(planned.trial.seed for planned in plan.trials)]) + 1
    until = plan.sweep.until
    seeds = range(first, first + max(MIN_SEEDS, until.first if until else len(plan.sweep.seeds)))
    examples = {planned.trial.configuration: planned for planned in plan.trials}
    confirming = [_confirming_trial(plan, examples[name], seed) for name in best[:count] for seed in seeds]
    return replace(plan, trials=[*plan.trials, *confirming])


def _with_earlier_confirmations(plan: Plan) -> Plan:
    """With the trials that an earlier command added and finished, if the sweep still has their configurations."""
    examples = {planned.trial.configuration: planned for planned in plan.trials}
    confirmed = [
        (t["configuration"], t["seed"])
        for t in plan.earlier_trials()
        if t.get("confirms") and t["configuration"] in examples
    ]
    candidates = [
        _confirming_trial(plan, examples[name], seed) for name, seed in confirmed if seed not in plan.sweep.seeds
    ]
    return replace(
        plan, trials=[*plan.trials, *(planned for planned in candidates if planned.state == TrialStatus.FINISHED)]
    )


def _confirming_trial(plan: Plan, planned: PlannedTrial, seed: int) -> PlannedTrial:
    config = planned.config.model_copy(update={"seed": seed})
    trial = replace(
        planned.trial, seed=seed, config=planned.trial.config.model_copy(update={"seed": seed}), confirms=True
    )
    key = trial_key(config, planned.fingerprint)
    return PlannedTrial(key, trial, config, planned.fingerprint, plan.folder.trial(key).record())
