"""A sweep that several commands train, each a part of it: the jobs of an array, or machines that share the home.

Every command can also take a part whose own command has not begun, or has gone. The first one mirrors and reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace

from filelock import FileLock, Timeout
from rich.console import Console

from orchestrator.commands import sweep_preparation, sweep_services
from orchestrator.commands.sweep_options import Part, SweepOptions
from orchestrator.console.output import say
from orchestrator.console.progress import Display, make_display
from orchestrator.errors import UserError
from orchestrator.formatting import count_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.scheduling.sweep_runner import SweepRunner
from orchestrator.signals import FINISHED, SOME_FAILED, StopRequest, handle_stop_signal_with
from orchestrator.store import disk_space
from orchestrator.store.json_files import read_json_or_none, write_json, write_with_checksum
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held, make_folder, this_command, trained_parts
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Sweep

SECONDS_BETWEEN_LOOKS = 5.0
SECONDS_TO_TAKE = 1.0
"""Who only looks whether a lock is held, holds it for a moment."""


def share(plan: Plan, number: int, count: int) -> list[PlannedTrial]:
    """The trials of one part: every `count`th of the sweep file. It is the same for every command."""
    trials = [planned for planned in plan.trials if not planned.trial.confirms]
    return trials[number - 1 :: count]


def plan_of_part(plan: Plan, part: Part) -> Plan:
    """The plan with the trials of the part alone, and their records as they are now."""
    return replace(plan, trials=share(plan, part.number, part.count)).with_current_records()


def check(sweep: Sweep, options: SweepOptions, option: str = "--part") -> None:
    """Raises UserError if the sweep cannot be trained in parts. `option`: the one that asks for them."""
    if sweep.explores:
        raise UserError(
            f"{option}: a map or a search chooses each trial from all that have ended, which needs one command; leave "
            f"it out{', and take --slurm for one job' if option == '--slurm-array' else ''}"
        )
    if sweep.until:
        raise UserError(
            f"{option}: seeds until the question is answered need one command that looks at all trials; leave it out, "
            f"{'take --slurm for one job, ' if option == '--slurm-array' else ''}or write a list of seeds"
        )
    if options.storage or SweepFolder(options.home, sweep.name).storage_uri():
        raise UserError(f"{option}: the commands of the parts meet in the home, and these trials are in a --storage")
    if options.fail_fast:
        raise UserError(f"{option}: a failed trial ends the command of its part alone; leave --fail-fast out")


class Member:
    """A command that trains a part of the sweep, and afterwards what is left of other parts.

    A part's lock is held while it is trained. `note` shows the user a line.
    """

    def __init__(self, folder: SweepFolder, part: Part, note: Callable[[str], None]):
        self._folder, self._part, self._note = folder, part, note
        self._own = FileLock(folder.part_lock(part.number))
        self._taken: set[int] = set()

    def complete(self, plan: Plan, options: SweepOptions, display: Display) -> Plan:
        """The plan with what other sweeps have and the repairs, which whoever comes first makes; takes the own part."""
        with FileLock(self._folder.folder / "prepare.lock"):
            division = {"parts": self._part.count, "trials": [planned.key for planned in plan.trials]}
            if others := trained_parts(self._folder):
                if read_json_or_none(self._folder.parts_file) != division:
                    raise UserError(
                        f"--part: other commands train {plan.sweep.name} with another number of parts, or with other "
                        f"trials (parts {', '.join(map(str, others))} now); give all of them the same file and options"
                    )
                plan = plan.with_current_records()  # nothing is changed under the feet of the others
            else:
                write_json(self._folder.parts_file, division)
                plan = sweep_preparation.complete_plan(plan, self._folder, options, display)
                if not self._folder.sweep_file.exists():
                    write_with_checksum(self._folder.sweep_file, plan.to_document())
            if not self._take(self._own, self._part.number):
                self._note(f"another command trains part {self._part.number}, which had not begun; this one helps it")
        return plan

    def train(self, plan: Plan, runner: SweepRunner, stop: StopRequest) -> None:
        """Train the own part, then what nobody trains. The first part returns when all trials have ended."""
        numbers = [(self._part.number + ahead - 1) % self._part.count + 1 for ahead in range(self._part.count)]
        while not stop.is_requested:
            for number in numbers:
                if not stop.is_requested:
                    self._train_if_free(plan, number, runner)
            if self._part.number != 1 or not self._wait_for_others(plan, numbers, stop):
                return

    def _train_if_free(self, plan: Plan, number: int, runner: SweepRunner) -> None:
        """Train what is left of a part, once, unless another command does."""
        if number in self._taken:
            return
        with self._hold(number) as is_mine:
            if not is_mine:
                return
            self._taken.add(number)
            mine = plan_of_part(plan, Part(number, self._part.count))
            if number != self._part.number:  # a trial that failed there is not tried twice
                left = [planned for planned in mine.trials if not planned.record.has_ended]
                mine = replace(mine, trials=left)
            if mine.unfinished:
                self._note(f"part {number} of {self._part.count}:")
                runner.train(mine)

    @contextmanager
    def _hold(self, number: int) -> Iterator[bool]:
        """Whether this command has the part's lock now."""
        lock = self._own if number == self._part.number else FileLock(self._folder.part_lock(number))
        try:
            yield self._take(lock, number)
        finally:
            lock.release(force=True)

    def _take(self, lock: FileLock, number: int) -> bool:
        """Whether this command has the part's lock now; then it is named as the one that trains the part."""
        try:
            lock.acquire(timeout=SECONDS_TO_TAKE)
        except Timeout:
            return False
        write_json(self._folder.part_holder_file(number), asdict(this_command()))
        return True

    def _wait_for_others(self, plan: Plan, numbers: list[int], stop: StopRequest) -> bool:
        """Wait until a part is free that this command has not trained; False if there is none with trials left."""
        told = False
        while not stop.is_requested:
            parts = [Part(number, self._part.count) for number in numbers if number not in self._taken]
            left = {part.number: _count_left(plan, part) for part in parts}
            if not any(left.values()):
                return False
            if any(count and not is_held(self._folder.part_lock(number)) for number, count in left.items()):
                return True
            if not told:
                self._note(f"waiting for {count_of(sum(left.values()), 'trial')} of other parts")
                told = True
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return False


def train_confirming(plan: Plan, runner: SweepRunner, stop: StopRequest) -> Plan:
    """Train what an earlier command has added to confirm the best: it is no part's. Returns the plan as it is then."""
    confirming = [planned for planned in plan.with_current_records().unfinished if planned.trial.confirms]
    if confirming and not stop.is_requested:
        runner.train(replace(plan, trials=confirming))
    return plan.with_current_records()


def _count_left(plan: Plan, part: Part) -> int:
    """How many trials of the part have not ended."""
    return sum(not planned.record.has_ended for planned in plan_of_part(plan, part).trials)


def run_part(sweep: Sweep, options: SweepOptions, console: Console) -> int:
    """Run a part that is not the first, which needs no MLflow; returns the exit code. Raises UserError."""
    assert options.part
    check(sweep, options)
    folder = sweep_preparation.check_training(options, sweep.name)
    stop = StopRequest()
    with make_display(console, options.quiet) as display:
        plan = sweep_preparation.load_plan(sweep, options, display)
        make_folder(folder)
        with disk_space.full_disk_as_user_error(folder.folder), ExitStack() as stack:
            member = Member(folder, options.part, display.note)
            plan = member.complete(plan, options, display)
            if plan.unfinished:
                preparation = sweep_services.prepare_evaluators(plan, options, display, stack)
                cluster = stack.enter_context(
                    sweep_services.start_ray(plan, _count_left(plan, options.part), options, display)
                )
                runner = SweepRunner(cluster, preparation.result(), options.settings, display, stop)
                with handle_stop_signal_with(stop.request):
                    member.train(plan, runner, stop)
    own = plan_of_part(plan, options.part)
    counts = ", ".join(f"{count} {state}" for state, count in own.counts().items())
    say(console, f"part {options.part.number} of {options.part.count}: {counts}; part 1 writes the report")
    if stop.is_requested:
        return stop.exit_code
    return SOME_FAILED if any(planned.state == TrialStatus.FAILED for planned in own.trials) else FINISHED
