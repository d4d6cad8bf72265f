"""The answer of a sweep that trains until it has one, as `sweep.json` and MLflow keep it."""

from __future__ import annotations

from orchestrator.planning.adaptive import OUTCOMES, InterimAnalysis
from orchestrator.planning.budget import Budget
from orchestrator.planning.plan import Plan
from orchestrator.statistics.effects import Comparison
from orchestrator.statistics.sequential import SequentialTest
from orchestrator.store.sweep_document import AnswerDocument, ComparisonDocument
from orchestrator.sweepfile.model import UntilAnswered

BUDGET = "budget"


def answer_document(
    now: InterimAnalysis, until: UntilAnswered, plan: Plan, budget: Budget, trials: int
) -> AnswerDocument:
    """`trials`: the number of trials that have ended."""
    ended = now.end or (BUDGET if budget.is_spent else "")
    return {
        "first": until.first,
        "most": until.most,
        "seeds": now.seeds,
        "trials": trials,
        "looked_at": now.trials,
        "at_most": sum(not planned.trial.confirms for planned in plan.trials),
        "end": ended,
        "comparisons": [
            _comparison(compared.comparison, name, test, seeds_needed)
            for compared in now.comparisons
            for name, test, seeds_needed in zip(OUTCOMES, compared.tests, compared.seeds_needed, strict=True)
        ],
        "best": list(now.contest.left) if now.contest and (now.has_stable or not now.seeds) else None,
        "earlier_designs": earlier_designs(plan),
    }


def _comparison(
    comparison: Comparison, name: str, test: SequentialTest, seeds_needed: int | None
) -> ComparisonDocument:
    return {
        "group": comparison.group,
        "factor": comparison.factor,
        "before": comparison.before,
        "after": comparison.after,
        "outcome": name,
        "state": str(test.state),
        "margin": test.margin,
        "looks": [[seen.seeds, seen.mean, seen.low, seen.high] for seen in test.looks],
        "chance": test.chance,
        "takes": seeds_needed,
    }


def earlier_designs(plan: Plan) -> list[list[int]]:
    """[first, most] of the earlier commands that have looked with others than those of today."""
    assert plan.sweep.until
    before = plan.earlier_answer()
    if before is None:
        return []
    known = before["earlier_designs"]
    design = [before["first"], before["most"]]
    if before["seeds"] and design != [plan.sweep.until.first, plan.sweep.until.most] and design not in known:
        return [*known, design]
    return known
