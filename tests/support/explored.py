"""A tiny sweep that maps, and trials of it with made ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_core import metric_names
from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.record import Attempt, Record
from orchestrator.store.sweep_document import PointDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from support.tiny import TINY
from support.until_answered import write

LR = "optimizer.lr"
GROUP = """\
groups:
  - name: dcgan
    sample:
      optimizer.lr: {log_uniform: [1e-4, 1e-1]}
      stabilizers.label_smoothing: {uniform: [0, 0.3]}
"""
MAP = TINY[: TINY.index("groups:")].replace("seeds: [0, 1]\n", "map: {trials: 12}\n") + GROUP
SEARCH = MAP.replace("map: {trials: 12}", "search: {trials: 12}")


def plan_of(folder: Path, text: str = MAP, overrides: Sequence[str] = ()) -> Plan:
    folder.mkdir(exist_ok=True)
    file = folder / "tiny.yaml"
    file.write_text(text)
    return make_plan(loader.load(file, [*overrides]), folder / "home")


def points_of(folder: SweepFolder) -> list[PointDocument]:
    """The points that a sweep has chosen so far."""
    if not folder.sweep_file.exists():
        return []
    explored = folder.document()["explored"]
    assert explored
    return explored["points"]


def finished_in(folder: SweepFolder) -> list[str]:
    """The keys of its trials that are finished, in the order of their points."""
    keys = [point["key"] for point in points_of(folder)]
    return [key for key in keys if folder.trial(key).record().status == TrialStatus.FINISHED]


def end(plan: Plan, planned: PlannedTrial) -> None:
    """Small learning rates are stable, and better the larger they are."""
    lr = planned.trial.factors[LR]
    verdict = "stable" if lr < 3e-3 else "collapsed"
    record = Record(
        planned.key,
        TrialStatus.FINISHED,
        planned.config.steps,
        verdict={"name": verdict, "since": None, "reason": "made", "evidence": {}},
        metrics={metric_names.of_evaluator(metric_names.FRECHET, "e"): 0.01 / lr},
        evaluator={"id": "e"},
        seconds=60.0,
        attempts=[Attempt(0, from_step=0, outcome="finished", ended=60_000, to_step=8)],
    )
    write(plan, record)


@dataclass(frozen=True)
class Bisection:
    """Chooses learning rates between the largest stable one and the smallest other one: from all that has ended."""

    trials: int

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint | None:
        if number >= self.trials:
            return None
        assert number == len(ended) + len(pending)
        stable = [each.point.settings[LR] for each in ended if each.result.stable]
        others = [each.point.settings[LR] for each in ended if not each.result.stable]
        low, high = max(stable, default=1e-4), min(others, default=1e-1)
        lr = float(f"{(low * high) ** 0.5 * (1 + 0.001 * len(pending)):.3e}")
        return ChosenPoint({LR: lr, "stabilizers.label_smoothing": 0.1}, number)
