"""Which trial a free worker takes next, while a sweep is trained until its question is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from orchestrator.planning.adaptive import InterimAnalysis, TrialId, interim_analysis, trials_ahead
from orchestrator.planning.answer_document import answer_document
from orchestrator.planning.answer_words import progress_line
from orchestrator.planning.budget import Budget, begun_earlier
from orchestrator.planning.expected_trials import expected_trials
from orchestrator.planning.outcome import as_planned
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.statistics.group_comparison import Member

ROUNDS_AHEAD = 2
"""Free workers train at most so many seeds beyond the next look, unless there are more workers than that has trials."""


class AdaptiveQueue(TrialQueue):
    """The trials of a plan with all seeds that may be needed, in the order in which they are.

    What the next look needs comes first. While the last of that is trained, free workers take what the looks after it
    need if this one settles nothing. The plan so far changes when a trial is given away, and after each look.
    """

    limit = "at most "

    def __init__(self, plan: Plan, budget: Budget):
        assert plan.sweep.until
        super().__init__(plan, [planned for planned in plan.trials if not planned.trial.confirms])
        self._until, self.budget = plan.sweep.until, budget
        self._keys = {_id(planned): key for key, planned in self._planned.items()}
        first = {planned.trial.configuration: planned for planned in reversed(self._planned.values())}
        self._configurations = [as_planned(planned) for planned in reversed(first.values())]
        self._begun: set[str] = set()
        """Trials that were given away by this command."""
        self._trained_before = begun_earlier(plan)
        """Of the trials that were given away, also by earlier commands, by key."""
        self._told_seeds = 0
        self.analysis: InterimAnalysis = self._interim_analysis()

    def _interim_analysis(self) -> InterimAnalysis:
        ended: dict[TrialId, Member] = {_id(self._planned[key]): member for key, member in self._ended.items()}
        return interim_analysis(self._configurations, ended, self._until)

    @property
    def is_over(self) -> bool:
        return self.analysis.end is not None or self.budget.is_spent

    def _in_order(self, workers: int) -> Iterator[str]:
        yield from (self._keys[trial] for trial in self.analysis.missing)
        ahead = max(ROUNDS_AHEAD * len(self.analysis.wanted), 2 * workers)
        yield from (self._keys[trial] for trial in islice(trials_ahead(self.analysis, self._until), ahead))

    def give(self, planned: PlannedTrial) -> None:
        super().give(planned)
        self._begun.add(planned.key)
        before = planned.record.seconds, len(planned.record.attempts)
        self._trained_before.setdefault(planned.key, before)
        self.on_change()

    def begin(self, workers: int) -> None:
        self.budget.start()

    def add_training(self, seconds: float) -> None:
        self.budget.add_training(seconds)

    def _look(self) -> None:
        """Look again once all that the next look needs has ended."""
        if all(self._keys[trial] in self._ended for trial in self.analysis.missing) and self.analysis.end is None:
            self.analysis = self._interim_analysis()
            self.on_change()

    def expected_trials(self) -> int:
        """Of the whole sweep, before anything has ended; see `expected_trials`."""
        names = [member.result.configuration for member in self._configurations]
        return expected_trials(names, self.analysis.comparisons, self._until)

    def buys(self) -> int | None:
        """How many more trials the budget buys at the rate so far; see `Budget.buys`."""
        return self.budget.buys(sum(key in self._trained_before for key in self._ended))

    def news(self, so_far: Plan) -> str:
        """Where it stands, after each look."""
        answer = so_far.answer
        if answer is None or answer["seeds"] == self._told_seeds:
            return ""
        self._told_seeds = answer["seeds"]
        return progress_line(answer, self.buys())

    def plan_so_far(self) -> Plan:
        """The plan with the trials that have ended, were begun, or are needed next, and with the answer so far.

        When the sweep is over it has the trials that have ended alone; if none has, also what earlier commands began.
        """
        wanted = {*self._ended}
        if not (self.is_over and wanted):
            wanted |= self._begun | {self._keys[trial] for trial in self.analysis.missing}
        if self.is_over and not self._ended:
            wanted |= self._planned.keys() & self._trained_before.keys()
        trials = [planned for key, planned in self._planned.items() if key in wanted]
        begun = self._trained_before
        answer = answer_document(self.analysis, self._until, self._plan, self.budget, len(self._ended), begun)
        return replace(self._plan, trials=[*trials, *self._confirming()], answer=answer)


def _id(planned: PlannedTrial) -> TrialId:
    return planned.trial.configuration, planned.trial.seed
