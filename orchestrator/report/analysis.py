"""Runs -> effects, interactions, importance and survival."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from orchestrator.formatting import format_level, short_names
from orchestrator.report.data import SweepData
from orchestrator.report.merge import sweep_of_group
from orchestrator.report.trial_settings import settings_of
from orchestrator.report.value_bins import level_order, with_bins
from orchestrator.space import Space
from orchestrator.statistics.effects import SIGNIFICANT, Effect, paired_effects
from orchestrator.statistics.group_comparison import GROUP, Member, group_comparisons, with_shared_points
from orchestrator.statistics.importance import Importance, factor_importance
from orchestrator.statistics.interactions import Interaction, pairwise_interactions
from orchestrator.statistics.pairing import level_of, varied_factors
from orchestrator.statistics.result import ResponseVariable, Result, log_distance, stability
from orchestrator.statistics.sampled_effects import SampledEffect, sampled_effects
from orchestrator.statistics.survival import SurvivalCurve, survival_curves

RESPONSES: dict[str, ResponseVariable] = {"stable": stability, "frechet": log_distance}
MAX_NAMED = 4
"""Most settings that the name of an effect lists."""
ALL = "all groups"


@dataclass(frozen=True)
class Analysis:
    """`interactions`: in the share of stable runs. `importance`: group -> name in RESPONSES -> the importance of the
    group's factors, if it can be computed; by chance all of them together mark a factor in at most 5% of sweeps.
    `survival`: group -> factor -> level -> curve, for groups in which a run had an event; the factor "" stands for all
    runs. `names`: group -> path of a factor -> its short name. `drawn`: the effects of settings that were drawn.
    """

    effects: list[Effect]
    interactions: list[Interaction]
    importance: dict[str, dict[str, Importance]]
    survival: dict[str, dict[str, dict[str, SurvivalCurve]]]
    names: dict[str, dict[str, str]]
    drawn: list[SampledEffect] = field(default_factory=list)

    def _factors(self, effect: Effect) -> str:
        """The name of the factor, and of those that change together with it."""
        names = [self.names[effect.group][factor] for factor in (effect.factor, *effect.along)]
        return names[0] if effect.factor == GROUP else " and ".join(names)

    def _separating(self, effect: Effect) -> str:
        """The settings that separate two groups, by name: `model, loss and lr`; "" if a single one does."""
        names = [self.names[effect.group][factor] for factor in effect.along] if effect.factor == GROUP else []
        if len(names) > MAX_NAMED:
            names = [*names[: MAX_NAMED - 1], f"{len(names) - MAX_NAMED + 1} more settings"]
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)

    def label(self, effect: Effect) -> str:
        """`lr: 2e-4 to 5e-2`; of groups that differ in several settings, `model, loss and lr together`."""
        if separating := self._separating(effect):
            return f"{separating} together"
        return f"{self._factors(effect)}: {format_level(effect.before)} to {format_level(effect.after)}"

    def phrase(self, effect: Effect) -> str:
        """`lr from 2e-4 to 5e-2 (dcgan)`."""
        change = f"{self._factors(effect)} from {format_level(effect.before)} to {format_level(effect.after)}"
        if effect.factor == GROUP:
            separating = self._separating(effect)
            return f"{change} ({separating} differ)" if separating else change
        return f"{change} ({effect.group})" if len(self.names) > 1 else change


def analyse(data: SweepData) -> Analysis:
    """Analyse the runs that have ended: within each group, and between groups that differ in settings."""
    by_group = {group: results(data, group) for group in data.groups}
    all_results = [result for members in by_group.values() for result in members]
    comparisons = group_comparisons(_members(data), partial(sweep_of_group, data=data))
    compared = [result for members in comparisons.values() for result in members]
    paired = paired_effects([*all_results, *compared])
    significant = SIGNIFICANT
    if paired and data.spaces:  # two families of tests: each gets half of what all of them may get wrong
        significant = SIGNIFICANT / 2
        paired = paired_effects([*all_results, *compared], significant)
    drawn = sampled_effects(all_results, data.spaces, significant)
    return Analysis(
        paired,
        pairwise_interactions(all_results),
        {
            group: importance
            for group, members in by_group.items()
            if (importance := _importance(members, 0.05 / (len(RESPONSES) * len(by_group))))
        },
        _survival_by_group(
            {
                group: with_bins(members, data.spaces[group]) if group in data.spaces else members
                for group, members in by_group.items()
            },
            {run.configuration: run.steps for run in data.selection},
            data.spaces,
        ),
        ({ALL: {GROUP: GROUP}} if len(by_group) > 1 else {})
        | {group: short_names(_paths(data, group)) for group in data.groups}
        | {name: short_names(list(members[0].factors)) for name, members in comparisons.items() if members},
        drawn,
    )


def _members(data: SweepData) -> list[Member]:
    """The runs that are compared between groups.

    A drawn setting counts only where another group has most of its values.
    """
    runs = [run for run in data.selection if run.has_ended]
    return with_shared_points(
        [
            Member(run.to_result(), settings, run.evaluator.id if run.evaluator else "")
            for run, settings in zip(runs, settings_of(runs), strict=True)
        ]
    )


def results(data: SweepData, group: str) -> list[Result]:
    """The group's runs that have ended. If several evaluators measured them, their quality is not compared."""
    runs = [run for run in data.selection if run.group == group and run.has_ended]
    is_comparable = len({run.evaluator.id for run in runs if run.evaluator}) == 1
    return [run.to_result(is_comparable) for run in runs]


def _importance(runs: list[Result], level: float) -> dict[str, Importance]:
    measured = {name: factor_importance(runs, response, level) for name, response in RESPONSES.items()}
    return {name: importance for name, importance in measured.items() if importance}


Planned = dict[str, int]
"""Configuration -> the steps that its trials were to train."""


def _survival_by_group(
    by_group: dict[str, list[Result]], planned: Planned, spaces: Mapping[str, Space]
) -> dict[str, dict[str, dict[str, SurvivalCurve]]]:
    """The curves of groups that sweep a setting; if none does, those of all groups beside one another."""
    runs = [run for members in by_group.values() for run in members]
    if len(by_group) > 1 and not any(run.factors for run in runs):
        by_group = {ALL: [replace(run, group=ALL, factors={GROUP: run.group}) for run in runs]}
    return {
        group: _survival(members, planned, spaces.get(group, Space(())))
        for group, members in by_group.items()
        if any(r.event is not None for r in members)
    }


def _survival(runs: list[Result], planned: Planned, space: Space) -> dict[str, dict[str, SurvivalCurve]]:
    factors = varied_factors(runs)
    curves = {factor: _to_the_end(runs, partial(level_of, factor=factor), planned) for factor in factors}
    for path in set(space.paths) & curves.keys():  # ranges in their order, not in that of the points
        curves[path] = {level: curves[path][level] for level in level_order(space, path) if level in curves[path]}
    return curves or {"": _to_the_end(runs, lambda run: run.group, planned)}


def _to_the_end(runs: list[Result], label: Callable[[Result], str], planned: Planned) -> dict[str, SurvivalCurve]:
    """The curves, each to the last step that its own runs were to train, though all of them may have ended before."""
    last: dict[str, int] = {}
    for run in runs:
        last[label(run)] = max(last.get(label(run), 0), planned[run.configuration])
    return {level: _extended(curve, last[level]) for level, curve in survival_curves(runs, label).items()}


def _extended(curve: SurvivalCurve, last: int) -> SurvivalCurve:
    """The curve, extended at 0 to step `last` if every run has had an event; otherwise as it is."""
    if curve.steps[-1] >= last or curve.surviving[-1] > 0:
        return curve
    low, high, surviving = ([*values, *values[-1:]] for values in (curve.low, curve.high, curve.surviving))
    return replace(curve, steps=[*curve.steps, last], surviving=surviving, low=low, high=high)


def _paths(data: SweepData, group: str) -> list[str]:
    return list(dict.fromkeys(path for run in data.runs if run.group == group for path in run.factors))
