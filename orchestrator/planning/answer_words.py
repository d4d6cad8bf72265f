"""The answer of a sweep that trains until it has one, in words: while it runs, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.formatting import count_of, short_names
from orchestrator.statistics.group_comparison import GROUP
from orchestrator.store.sweep_document import AnswerDocument, ComparisonDocument

if TYPE_CHECKING:
    from orchestrator.planning.plan import Plan  # which loads the data sets: `status` does without

BUDGET = "budget"
"""The end of a sweep whose budget was spent."""

OUTCOME = {"stable": "stable runs", "quality": "images"}
MAX_NAMED = 4


def labels(answer: AnswerDocument) -> list[str]:
    """Of each comparison, `lr 1e-4 to 1e-3: stable runs`; with its group if the factor occurs in several groups."""
    names = factor_names(answer)
    groups = Counter(factor for factor, _ in {(each["factor"], each["group"]) for each in answer["comparisons"]})
    written = []
    for each in answer["comparisons"]:
        is_ambiguous = groups[each["factor"]] > 1 and each["factor"] != GROUP
        group = f" ({each['group']})" if is_ambiguous else ""
        levels = f"{each['before']} to {each['after']}"
        written.append(f"{names[each['factor']]} {levels}{group}: {OUTCOME[each['outcome']]}")
    return written


def factor_names(answer: AnswerDocument) -> dict[str, str]:
    """Path of a factor -> its short name."""
    return short_names(list(dict.fromkeys(compared["factor"] for compared in answer["comparisons"])))


def in_state(answer: AnswerDocument, *states: str) -> list[ComparisonDocument]:
    return [compared for compared in answer["comparisons"] if compared["state"] in states]


def progress_line(answer: AnswerDocument, buys: int | None = None) -> str:
    """What is settled and what is open after a look, and what may still come of it.

    buys: how many more trials the budget buys; None without one.
    """
    parts = []
    for state in ("shown", "small", "open"):
        named = [
            label for label, each in zip(labels(answer), answer["comparisons"], strict=True) if each["state"] == state
        ]
        parts.append(f"{len(named)} {state} ({_listed(named)})" if named else f"0 {state}")
    if answer["best"] is not None:
        left = len(answer["best"])
        parts.append(f"the best is {answer['best'][0]}" if left == 1 else f"{left} configurations can be the best")
    so_far = f"after {answer['seeds']} seeds: {', '.join(parts)}"
    if answer["end"]:
        return so_far
    at_most = answer["at_most"] - answer["trials"]
    left_over = f"at most {at_most} of {answer['at_most']} trials are left"
    if buys is not None:
        enough = ", all of them" if buys >= at_most else ""
        left_over += f", and at this rate the budget buys {count_of(min(buys, at_most), 'trial')} more{enough}"
    return f"{so_far}; {left_over}"


def _listed(labels: Sequence[str]) -> str:
    more = f"; {len(labels) - MAX_NAMED} more" if len(labels) > MAX_NAMED else ""
    return "; ".join(labels[:MAX_NAMED]) + more


def end_line(answer: AnswerDocument) -> str:
    """Why the sweep has ended, and what it took: `answered after 38 of at most 160 trials`; "" if it goes on."""
    took = what_it_took(answer["seeds"], answer["trials"], answer["looked_at"], answer["at_most"])
    still_open = f"{len(in_state(answer, 'open'))} of {len(answer['comparisons'])} tests are open"
    return {
        "": "",
        "answered": f"answered after {took}",
        "most seeds": f"ended at the last look, after {took}: {still_open}",
        "out of reach": f"ended after {took}: {still_open}, and hardly settled by {answer['most']} seeds",
        BUDGET: f"ended with its budget, after {took}: {still_open}",
    }[answer["end"]]


def plan_end_line(plan: Plan) -> str:
    """`end_line` of the plan, or that no trial ended within the budget; "" if it goes on or trains all seeds."""
    if ended_with_nothing(plan):
        return "the budget was spent before any trial ended; the same command with a larger budget goes on from here"
    return end_line(plan.answer) if plan.answer else ""


def ended_with_nothing(plan: Plan) -> bool:
    """Whether the budget was spent before any trial ended."""
    is_spent = plan.answer is not None and plan.answer["end"] == BUDGET
    return is_spent and not any(planned.record.has_ended for planned in plan.trials)


def what_it_took(seeds: int, trials: int, looked_at: int, at_most: int) -> str:
    """`17 of at most 40 trials, 4 seeds`: those that the looks took; others that have ended are named apart."""
    if not seeds:
        return f"{trials} of at most {at_most} trials, 0 seeds"
    others = f" ({trials - looked_at} more ended without a look)" if trials > looked_at else ""
    return f"{looked_at} of at most {at_most} trials, {seeds} seeds{others}"
