"""The answer of a sweep that trains until it has one, as `sweep.json` and MLflow keep it."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.planning.adaptive import OUTCOMES, InterimAnalysis
from orchestrator.planning.answer_words import BUDGET
from orchestrator.planning.budget import Budget
from orchestrator.planning.earlier_looks import other_looks
from orchestrator.planning.plan import Plan
from orchestrator.statistics.effects import Comparison
from orchestrator.statistics.sequential import SequentialTest
from orchestrator.store.sweep_document import AnswerDocument, ComparisonDocument, TrainedBefore
from orchestrator.sweepfile.model import UntilAnswered


def answer_document(
    now: InterimAnalysis,
    until: UntilAnswered,
    plan: Plan,
    budget: Budget,
    trials: int,
    begun: Mapping[str, TrainedBefore],
) -> AnswerDocument:
    """`trials`: the number of trials that have ended. `begun`: see `AnswerDocument`."""
    ended = now.end or (BUDGET if budget.is_spent else "")
    answer: AnswerDocument = {
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
        "other_looks": [],
        "begun": dict(begun),
    }
    return {**answer, "other_looks": other_looks(plan.looked, answer)}


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
