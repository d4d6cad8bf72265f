"""`orchestrate sweep`: prepares a sweep, trains what is left of it, mirrors it in MLflow, writes the report."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from rich.console import Console

from gan_core.error_text import first_line
from orchestrator.commands import finalize, parts, queued_training, sweep_preparation, sweep_services
from orchestrator.commands.parts import Member
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_summary import SweepResult, print_summary
from orchestrator.console.progress import Display, make_display
from orchestrator.notifications import events
from orchestrator.notifications.notifier import Notifier
from orchestrator.object_store.home_copy import StoredSweep
from orchestrator.object_store.puller import Puller, exchange_evaluators
from orchestrator.planning.answer_words import ended_with_nothing, plan_end_line
from orchestrator.planning.confirmation import how_many, with_confirmations
from orchestrator.planning.plan import Plan
from orchestrator.scheduling.sweep_runner import SweepRunner
from orchestrator.signals import FINISHED, INTERRUPTED, SOME_FAILED, StopRequest, handle_stop_signal_with
from orchestrator.store import disk_space
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.sweep_lock import hold
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Sweep
from orchestrator.tracking import moved_home
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.mirror_thread import MirrorThread


def run_sweep(sweep: Sweep, options: SweepOptions, console: Console) -> SweepResult:
    """Run a sweep up to its report. Raises UserError before anything is started."""
    if options.part:
        parts.check(sweep, options)
    folder = sweep_preparation.check_request(options, sweep.name)
    sweep_preparation.check_schedule(sweep, folder)
    with make_display(console, options.quiet) as display, Notifier(options.notify, display.note) as notifier:
        moved_home.follow(options.tracking_uri, display.note)
        plan = sweep_preparation.load_plan(sweep, options, display)
        with disk_space.full_disk_as_user_error(folder.folder), hold(folder, beside_parts=options.part is not None):
            member = Member(folder, options.part, display.note) if options.part else None
            complete = member.complete if member else partial(sweep_preparation.complete_plan, folder=folder)
            plan = complete(plan, options=options, display=display)
            try:
                result = _train_and_record(plan, options, display, notifier, member)
            except Exception as error:
                notifier.send(events.broke_off(sweep.name, first_line(error)))
                raise
            _tell_the_end(result, notifier)
    print_summary(options, console, result)
    return result


def _tell_the_end(result: SweepResult, notifier: Notifier) -> None:
    if result.exit_code == INTERRUPTED:
        notifier.hurry()
    final, reason = result.final, result.stop_reason or plan_end_line(result.plan) or None
    outcomes = Counter(
        planned.record.verdict["name"] if planned.record.verdict else str(planned.record.status)
        for planned in result.plan.trials
    )
    notifier.send(events.ended(result.plan.sweep.name, result.exit_code, outcomes, reason, final.answer, final.report))


def _train_and_record(
    plan: Plan, options: SweepOptions, display: Display, notifier: Notifier, member: Member | None = None
) -> SweepResult:
    """Start Ray and MLflow, train what is left of the plan, finalize the sweep. `member`: trains it, if in parts."""
    stop = StopRequest(lambda reason: display.note(f"stopping: {reason}"))
    with ExitStack() as stack:
        mlflow_import = sweep_services.import_mlflow(options.tracking_uri, stack)
        preparation = sweep_services.prepare_evaluators(plan, options, display, stack)
        every_trial, queue = plan, queued_training.queue_of(plan, partial(sweep_preparation.take_over, display=display))
        plan = queue.plan_so_far() if queue else plan
        left = len(queued_training.left_to_train(plan, queue))
        cluster = stack.enter_context(sweep_services.start_ray(plan, left, options, display)) if left else None
        evaluators = preparation.result()  # their errors are reported before MLflow has a run
        display.set_phase("opening MLflow")
        mlflow_import.result()
        puller = None
        if isinstance(plan.folder, StoredSweep):
            exchange_evaluators(plan.folder, plan)
            puller = stack.enter_context(Puller(plan.folder, display.note))
        mirror = sweep_services.open_mirror(plan, options, display, puller.is_running if puller else None)
        sweep_preparation.archive_replaced_report(every_trial, display)
        write_with_checksum(plan.folder.sweep_file, plan.to_document())
        mirror_thread = MirrorThread(mirror)
        mirror_thread.start()
        try:
            runner = SweepRunner(cluster, evaluators, options.settings, display, stop, puller) if cluster else None
            watch = events.DivergenceWatch(plan.sweep.name)
            if runner:
                runner.on_outcomes = lambda outcomes: notifier.send(watch.event(outcomes))
                with handle_stop_signal_with(lambda: _stop_for_user(stop, display)):
                    if queue and not queue.is_over:
                        plan = queued_training.train(every_trial, queue, runner, mirror, display, stop)
                    elif member:
                        member.train(plan, runner, stop)
                        plan = parts.train_confirming(plan, runner, stop)
                    else:
                        runner.train(plan)
                    plan = _confirm(plan, runner, mirror, how_many(plan.sweep, options.confirm), display.note, stop)
            _send_rest(mirror_thread, stop, display)
            plan = plan.with_current_records()
            exit_code = _exit_code(plan, stop)
            final = _finalize(plan, options, mirror_thread, display, exit_code)
            return SweepResult(plan, exit_code, final, stop.reason, runner.summary() if runner else "")
        except BaseException:
            mirror_thread.stop_as_killed()
            raise


def _confirm(
    plan: Plan, runner: SweepRunner, mirror: Mirror, confirm: int, note: Callable[[str], None], stop: StopRequest
) -> Plan:
    """Train what confirms the best `confirm` configurations; returns the plan with those trials.

    `note` shows the user a line.
    """
    if stop.is_requested:
        return plan
    with_confirmation = with_confirmations(plan.with_current_records(), confirm, note, has_trained=True)
    if len(with_confirmation.trials) == len(plan.trials):
        return plan
    write_with_checksum(plan.folder.sweep_file, with_confirmation.to_document())
    mirror.set_document(with_confirmation.to_document())
    not_failed = [planned for planned in with_confirmation.trials if planned.state != TrialStatus.FAILED]
    runner.train(replace(with_confirmation, trials=not_failed))  # what has failed was tried again just now
    return with_confirmation


def _send_rest(mirror_thread: MirrorThread, stop: StopRequest, display: Display) -> None:
    display.set_phase("sending the rest to MLflow")
    mirror_thread.send_rest(
        hurry=stop.is_requested, on_wait=lambda: display.set_phase("still sending the rest to MLflow")
    )
    for picture in sorted(mirror_thread.mirror.damaged_pictures):
        display.note(f"left out {picture}: it is damaged or gone; MLflow has everything else")


def _finalize(
    plan: Plan, options: SweepOptions, mirror_thread: MirrorThread, display: Display, exit_code: int
) -> finalize.FinalResult:
    """Write the report from MLflow and end the parent run, unless MLflow did not take everything.

    An interrupted sweep leaves at once without a report: `orchestrate report` writes it.
    """
    if mirror_thread.error:
        return finalize.FinalResult(report_error=mirror_thread.error)
    if exit_code == INTERRUPTED:
        mirror_thread.stop_as_killed()
        return finalize.FinalResult()
    status = finalize.parent_status(_statuses(plan))
    return finalize.finalize(mirror_thread.mirror, status, display.set_phase, options.register)


def _stop_for_user(stop: StopRequest, display: Display) -> None:
    stop.request()
    text = "stopping: every running trial saves a checkpoint (again to leave at once)"
    # In another thread: the signal may have come in the middle of a print, which cannot begin another one
    threading.Thread(target=display.note, args=(text,), daemon=True).start()


def _statuses(plan: Plan) -> set[TrialStatus]:
    return {planned.record.status for planned in plan.trials}


def _exit_code(plan: Plan, stop: StopRequest) -> int:
    if _statuses(plan) == {TrialStatus.FINISHED} and not plan.expected:
        return FINISHED
    if stop.is_requested:
        return stop.exit_code
    return INTERRUPTED if ended_with_nothing(plan) else SOME_FAILED
