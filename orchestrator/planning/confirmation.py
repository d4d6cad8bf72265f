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
from orchestrator.planning.ranking import ended_trials, no_ranking_reason, rank_best, rank_configurations
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Search, Sweep

MIN_SEEDS = 3
"""Fewest new seeds per configuration."""
SEEDS_OF_SEARCH = 5
"""New seeds of what a search names: the fewest with an interval of the Frechet distance, and of settings of which half
of the runs are stable, 8 in 10 times few enough are for the interval to leave out 90%."""
FIRST_OF_SEARCH = 1_000_000
"""The first of these seeds. A search takes the numbers of its trials as seeds, and more of them when it is extended."""


def how_many(sweep: Sweep, asked: int | None) -> int:
    """How many configurations are confirmed: as asked for, or else 1 of a search and 0 of another sweep."""
    return int(isinstance(sweep.explores, Search)) if asked is None else asked


def with_confirmations(
    plan: Plan, count: int, note: Callable[[str], None] = lambda text: None, has_trained: bool = False
) -> Plan:
    """The plan with the trials that confirm its best `count` configurations, once all others are finished.

    Only configurations with a stable run are confirmed; if there is none, `note` gets a line that says so. The best of
    a search are those that it names.

    The new seeds are the numbers after the largest seed of the sweep, as many as it has (before its first look, if it
    trains until its question is answered) and at least MIN_SEEDS. Trials that an earlier command added and finished
    stay.

    `has_trained`: this command has tried failed trials again. A search does not wait for those that have failed once
    more: they count as not stable.
    """
    if any(planned.trial.confirms for planned in plan.trials):
        return plan
    is_search = isinstance(plan.sweep.explores, Search)
    if not count:
        return _with_earlier_confirmations(plan)
    ended_states = {TrialStatus.FINISHED, *([TrialStatus.FAILED] if is_search and has_trained else [])}
    if plan.expected or any(planned.state not in ended_states for planned in plan.trials):
        return plan  # a failed trial is tried again first
    ended = ended_trials(plan.folder, [planned.to_document() for planned in plan.trials])
    ranked = rank_best(ended, plan.to_document()) if is_search else rank_configurations(ended)
    if not ranked:
        note(f"nothing is confirmed: {no_ranking_reason(ended)}")
        return plan
    first = max([*plan.sweep.seeds, *(planned.trial.seed for planned in plan.trials)]) + 1
    until = plan.sweep.until
    seeds = range(first, first + max(MIN_SEEDS, until.first if until else len(plan.sweep.seeds)))
    if is_search:
        seeds = range(FIRST_OF_SEARCH, FIRST_OF_SEARCH + SEEDS_OF_SEARCH)
    examples = {planned.trial.configuration: planned for planned in plan.trials}
    confirming = [
        _confirming_trial(plan, examples[each.configuration], seed) for each in ranked[:count] for seed in seeds
    ]
    return replace(plan, trials=[*plan.trials, *confirming])


def expected_confirmations(plan: Plan) -> list[PlannedTrial]:
    """What a search will train once more to confirm what it names, as trials of a typical setting; [] of other sweeps.

    Those that have confirmed it are done, unless the search goes on and may name another setting.
    """
    if not isinstance(plan.sweep.explores, Search):
        return []
    keys = [trial["key"] for trial in plan.earlier_trials() if trial.get("confirms") and not plan.expected]
    done = sum(plan.folder.trial(key).record().status == TrialStatus.FINISHED for key in keys)
    typical = [*plan.expected, *plan.trials][0]
    seeds = range(FIRST_OF_SEARCH + done, FIRST_OF_SEARCH + SEEDS_OF_SEARCH)
    return [_confirming_trial(plan, typical, seed) for seed in seeds]


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
