"""Which trial a free worker takes next, while a sweep is trained until its question is answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import islice

from orchestrator.planning.adaptive import InterimAnalysis, TrialId, interim_analysis, trials_ahead
from orchestrator.planning.answer_document import answer_document
from orchestrator.planning.budget import Budget, begun_earlier
from orchestrator.planning.expected_trials import expected_trials
from orchestrator.planning.outcome import as_planned, member_of
from orchestrator.planning.plan import Plan, PlannedTrial
from orchestrator.statistics.group_comparison import Member
from orchestrator.store.trial_status import TrialStatus

ROUNDS_AHEAD = 2
"""Free workers train at most so many seeds beyond the next look, unless there are more workers than that has trials."""


SECONDS_BETWEEN_READS = 1.0
"""Of records that come from an object store."""


class AdaptiveQueue:
    """The trials of a plan with all seeds that may be needed, in the order in which they are.

    What the next look needs comes first. While the last of that is trained, free workers take what the looks after it
    need if this one settles nothing. Trials that had failed before are tried again. `on_change`: called when a trial is
    given away, and after each look.
    """

    def __init__(self, plan: Plan, budget: Budget):
        assert plan.sweep.until
        self._plan, self._until, self.budget = plan, plan.sweep.until, budget
        self.on_change: Callable[[], None] = lambda: None
        self._planned = {_id(planned): planned for planned in plan.trials if not planned.trial.confirms}
        self._ids = {planned.key: trial for trial, planned in self._planned.items()}
        first = {planned.trial.configuration: planned for planned in reversed(self._planned.values())}
        self._configurations = [as_planned(planned) for planned in reversed(first.values())]
        self._ended: dict[TrialId, Member] = {}
        self._given: set[TrialId] = set()
        """Trials that were given away in this run of Tune, whether or not they have come back."""
        self._begun: set[TrialId] = set()
        """Trials that were given away by this command."""
        self._trained_before = begun_earlier(plan)
        """Of the trials that were given away, also by earlier commands, by key."""
        self.running: set[str] = set()
        self._late: set[TrialId] = set()
        """Trials that have ended on a worker, and whose records are still to come."""
        self._next_read = 0.0
        for trial, planned in self._planned.items():
            if planned.record.status != TrialStatus.FAILED:
                self._take_result(trial, planned)
        self.analysis: InterimAnalysis = interim_analysis(self._configurations, self._ended, self._until)

    def _take_result(self, trial: TrialId, planned: PlannedTrial) -> None:
        if member := member_of(planned, planned.record):
            self._ended[trial] = member

    @property
    def is_over(self) -> bool:
        """Whether no trial is needed any more, also none of those that run."""
        return self.analysis.end is not None or self.budget.is_spent

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to give away, and nothing will be until the records of what has ended are read."""
        return self.is_over or (not self.running and self.peek(0) is None)

    def peek(self, workers: int) -> PlannedTrial | None:
        """The trial that a free worker takes now, if there is one; `workers`: how many there are in all."""
        if self._late and time.monotonic() >= self._next_read:
            self._read_late()
        if self.is_over:
            return None
        for trial in self._in_order(workers):
            if trial not in self._given and trial not in self._ended:
                return self._planned[trial]
        return None

    def _in_order(self, workers: int) -> Iterator[TrialId]:
        yield from self.analysis.missing
        ahead = max(ROUNDS_AHEAD * len(self.analysis.wanted), 2 * workers)
        yield from islice(trials_ahead(self.analysis, self._until), ahead)

    def give(self, planned: PlannedTrial) -> None:
        self._given.add(_id(planned))
        self._begun.add(_id(planned))
        before = planned.record.seconds, len(planned.record.attempts)
        self._trained_before.setdefault(planned.key, before)
        self.running.add(planned.key)
        self.on_change()

    def take_back(self, key: str, has_result: bool = True) -> None:
        """A worker is done with the trial. `has_result`: False if it shall run again in the next run of Tune."""
        self.running.discard(key)
        trial = self._ids[key]
        if has_result and trial not in self._ended:
            self._late.add(trial)
            self._read_late()

    def _read_late(self) -> None:
        for trial in list(self._late):
            self._read(trial)
        self._late -= self._ended.keys()
        self._next_read = time.monotonic() + SECONDS_BETWEEN_READS
        self._look()

    def begin_round(self, again: Collection[str] = ()) -> bool:
        """Begin a run of Tune, after one that has left no trial running; whether the last one gave anything away.

        `again`: keys of trials that run again, though their records say that they have failed.
        """
        gave = bool(self._given)
        self.running.clear()
        for trial in self._given - self._ended.keys() - {self._ids[key] for key in again}:
            self._read(trial)
        self._given.clear()
        self._late.clear()
        self._look()
        return gave

    def _read(self, trial: TrialId) -> None:
        planned = self._planned[trial]
        self._planned[trial] = replace(planned, record=self._plan.folder.trial(planned.key).record())
        self._take_result(trial, self._planned[trial])

    def _look(self) -> None:
        """Look again once all that the next look needs has ended."""
        if all(trial in self._ended for trial in self.analysis.missing) and self.analysis.end is None:
            self.analysis = interim_analysis(self._configurations, self._ended, self._until)
            self.on_change()

    def expected_trials(self) -> int:
        """Of the whole sweep, before anything has ended; see `expected_trials`."""
        names = [member.result.configuration for member in self._configurations]
        return expected_trials(names, self.analysis.comparisons, self._until)

    def buys(self) -> int | None:
        """How many more trials the budget buys at the rate so far; see `Budget.buys`."""
        return self.budget.buys(sum(self._planned[trial].key in self._trained_before for trial in self._ended))

    def plan_so_far(self) -> Plan:
        """The plan with the trials that have ended, were begun, or are needed next, and with the answer so far.

        When the sweep is over it has the trials that have ended alone; if none has, also what earlier commands began.
        """
        wanted = {*self._ended}
        if not (self.is_over and wanted):
            wanted |= self._begun | {*self.analysis.missing}
        if self.is_over and not self._ended:
            wanted |= {trial for trial, planned in self._planned.items() if planned.key in self._trained_before}
        trials = [planned for trial, planned in self._planned.items() if trial in wanted]
        confirming = [planned for planned in self._plan.trials if planned.trial.confirms]
        begun = self._trained_before
        answer = answer_document(self.analysis, self._until, self._plan, self.budget, len(self._ended), begun)
        return replace(self._plan, trials=[*trials, *confirming], answer=answer)


def _id(planned: PlannedTrial) -> TrialId:
    return planned.trial.configuration, planned.trial.seed
