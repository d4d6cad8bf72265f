"""Which trial a free worker takes next, in a sweep that chooses its trials one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from orchestrator.planning.chosen_points import Chooser, ChosenPoint, EndedPoint
from orchestrator.planning.explored import points_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.statistics.result import Result
from orchestrator.store.sweep_document import PointDocument

LAG_PER_WORKER = 2
"""A point is chosen when all but the last of so many before it have ended, for each worker. With one a worker, each
would wait for the slowest trial; with two, one may take twice as long as the others before any waits."""
SECONDS_TO_CHOOSE = 0.05
"""How long Tune waits for a choice while trials run: a fit of a model may take seconds, and reports come meanwhile."""
PARTS = 4
"""The user hears how far it is after each quarter of the trials."""


class PointQueue(TrialQueue):
    """The trials that were chosen, in their order. Another thread chooses the next one while workers train.

    prepare: gets a plan with a chosen trial alone and returns it with what other sweeps have of it. No shorter trial
    goes on: with other steps all points are chosen anew. The plan so far changes with each, and when a trial has ended.
    """

    def __init__(self, plan: Plan, chooser: Chooser, prepare: Callable[[Plan], Plan] = lambda plan: plan):
        assert plan.explored
        super().__init__(plan, [planned for planned in plan.trials if not planned.trial.confirms])
        self._chooser, self._prepare, self._document = chooser, prepare, plan.explored
        self._points = points_of(plan.explored)
        self._keys = [point["key"] for point in plan.explored["points"]]
        self._choosing: Future[ChosenPoint] | None = None
        self._thread = ThreadPoolExecutor(1, "choosing")
        self._seen = len(self._ended)
        self._told = PARTS * len(self._ended) // plan.explored["trials"]

    @property
    def _is_complete(self) -> bool:
        """Whether no more points are chosen."""
        return len(self._points) >= self._document["trials"]

    @property
    def is_over(self) -> bool:
        return self._is_complete and len(self._ended) == len(self._keys)

    def begin(self, workers: int) -> None:
        """The first command that trains says how far choices lag behind: another number of workers changes none."""
        if not self._document["lag"]:
            self._document = {**self._document, "lag": LAG_PER_WORKER * max(1, workers)}

    def peek(self, workers: int) -> PlannedTrial | None:
        self._choose()
        planned = super().peek(workers)
        while planned is None and not self.running and self._choosing:  # all workers wait for it
            wait([self._choosing])
            self._choose()
            planned = super().peek(workers)
        return planned

    def _in_order(self, workers: int) -> Iterator[str]:
        yield from self._keys

    def _look(self) -> None:
        self._choose()
        if len(self._ended) > self._seen:
            self._seen = len(self._ended)
            self.on_change()

    def _choose(self) -> None:
        """Take what was chosen, and begin to choose the next points, as far as enough of those before have ended."""
        while True:
            if self._choosing:
                wait([self._choosing], SECONDS_TO_CHOOSE)
                if not self._choosing.done():
                    return
                point, self._choosing = self._choosing.result(), None
                self._append(point)
            number, lag = len(self._points), self._document["lag"]
            needed = max(0, number - lag + 1)
            if self._is_complete or not lag or any(key not in self._ended for key in self._keys[:needed]):
                return
            ended = [
                EndedPoint(point, self._ended[key].result)
                for point, key in zip(self._points[:needed], self._keys[:needed], strict=True)
            ]
            self._choosing = self._thread.submit(self._chooser.choose, number, ended, self._points[needed:])

    def _append(self, point: ChosenPoint) -> None:
        trial = self._plan.sweep.trial_at(point.settings, point.seed)
        planned = self._plan.planned(trial)
        assert planned.key not in self._planned, f"{trial.name} was chosen before"
        (planned,) = self._prepare(replace(self._plan, trials=[planned], expected=[])).trials
        self._points.append(point)
        self._keys.append(planned.key)
        self._add(planned)
        entry: PointDocument = {"settings": {**point.settings}, "seed": point.seed, "key": planned.key}
        self._document = {**self._document, "points": [*self._document["points"], entry]}
        self.on_change()
        self.on_chosen(planned)

    def repeats(self, key: str) -> bool:
        """Whether an earlier point has the settings of this one."""
        number = self._keys.index(key)
        settings = self._points[number].settings
        return any(point.settings == settings for point in self._points[:number])

    def plan_so_far(self) -> Plan:
        """The plan with the trials that were chosen, and a typical one for each that is still to come."""
        trials = [self._planned[key] for key in self._keys]
        left = self._document["trials"] - len(self._keys)
        expected = self._plan.expected[len(self._plan.expected) - left :]
        return replace(self._plan, trials=[*trials, *self._confirming()], expected=expected, explored=self._document)

    def news(self, so_far: Plan) -> str:
        """How many have ended, and how, after each quarter of the trials."""
        trials = self._document["trials"]
        part = PARTS * len(self._ended) // trials
        if part <= self._told:
            return ""
        self._told = part
        return ended_line(self._document["kind"], [member.result for member in self._ended.values()], trials)


def ended_line(kind: str, results: list[Result], trials: int) -> str:
    """`map: 20 of 80 trials ended, 12 of them stable; the best Frechet distance of a stable one is 4.2 (...)`."""
    stable = [result for result in results if result.stable]
    measured = [(result.final, result.configuration) for result in stable if result.final is not None and result.drew]
    best = ""
    if measured:
        final, name = min(measured)
        best = f"; the best Frechet distance of a stable one is {final:.3g} ({name})"
    return f"{kind}: {len(results)} of {trials} trials ended, {len(stable)} of them stable{best}"
