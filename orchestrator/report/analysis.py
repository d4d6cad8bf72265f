"""Runs -> effects, interactions, importance and survival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from orchestrator.formatting import format_level, short_names
from orchestrator.report.data import SweepData
from orchestrator.statistics.effects import Effect, paired_effects
from orchestrator.statistics.importance import Importance, factor_importance
from orchestrator.statistics.interactions import Interaction, pairwise_interactions
from orchestrator.statistics.pairing import level_of, varied_factors
from orchestrator.statistics.result import Result, RunOutcome
from orchestrator.statistics.survival import SurvivalCurve, survival_curves


@dataclass(frozen=True)
class Analysis:
    """`interactions`: in the share of stable runs. `importance`: group -> outcome ("stable", "final") -> its
    importance, if it can be computed. `survival`: group -> factor -> level -> curve, for groups in which a run was
    not stable; the factor "" stands for all runs. `names`: group -> path of a factor -> its short name.
    """

    effects: list[Effect]
    interactions: list[Interaction]
    importance: dict[str, dict[str, Importance]]
    survival: dict[str, dict[str, dict[str, SurvivalCurve]]]
    names: dict[str, dict[str, str]]

    def _factors(self, effect: Effect) -> str:
        """The name of the factor, and of those that change together with it."""
        return " and ".join(self.names[effect.group][factor] for factor in (effect.factor, *effect.along))

    def label(self, effect: Effect) -> str:
        """`lr: 2e-4 to 5e-2`."""
        return f"{self._factors(effect)}: {format_level(effect.before)} to {format_level(effect.after)}"

    def phrase(self, effect: Effect) -> str:
        """`lr from 2e-4 to 5e-2 (dcgan)`."""
        group = f" ({effect.group})" if len(self.names) > 1 else ""
        return f"{self._factors(effect)} from {format_level(effect.before)} to {format_level(effect.after)}{group}"


def analyse(data: SweepData) -> Analysis:
    """Analyse the runs that have ended. If no group sweeps a setting, the groups are compared with each other."""
    if len(data.groups) > 1 and not any(run.factors for run in data.runs):
        merged = [replace(run, group="all", factors={"group": run.group}) for run in data.selection]
        return analyse(replace(data, runs=merged))
    by_group = {group: results(data, group) for group in data.groups}
    all_results = [result for members in by_group.values() for result in members]
    return Analysis(
        paired_effects(all_results),
        pairwise_interactions(all_results, "stable"),
        {group: importance for group, members in by_group.items() if (importance := _importance(members))},
        {group: _survival(members) for group, members in by_group.items() if any(r.event is not None for r in members)},
        {group: short_names(_paths(data, group)) for group in data.groups},
    )


def results(data: SweepData, group: str) -> list[Result]:
    """The group's runs that have ended. If several evaluators measured them, their quality is not compared."""
    runs = [run for run in data.selection if run.group == group and run.has_ended]
    is_comparable = len({run.evaluator.id for run in runs if run.evaluator}) == 1
    return [run.to_result(is_comparable) for run in runs]


def _importance(runs: list[Result]) -> dict[str, Importance]:
    outcomes: tuple[RunOutcome, RunOutcome] = ("stable", "final")
    return {outcome: importance for outcome in outcomes if (importance := factor_importance(runs, outcome))}


def _survival(runs: list[Result]) -> dict[str, dict[str, SurvivalCurve]]:
    curves = {factor: survival_curves(runs, partial(level_of, factor=factor)) for factor in varied_factors(runs)}
    return curves or {"": survival_curves(runs, lambda run: run.group)}


def _paths(data: SweepData, group: str) -> list[str]:
    return list(dict.fromkeys(path for run in data.runs if run.group == group for path in run.factors))
