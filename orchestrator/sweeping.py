"""`orchestrate sweep`: plan, run what is left, mirror, report."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from gan_core.evaluation.evaluator import Evaluator
from orchestrator import addresses, concluding, display, environment, generator_model, spec, tracking
from orchestrator.calling import command
from orchestrator.clock import Clock
from orchestrator.cluster import Cluster
from orchestrator.confirm import extended
from orchestrator.errors import UserError
from orchestrator.evaluators import prepare
from orchestrator.holding import hold
from orchestrator.mirror import Mirror
from orchestrator.mirror_thread import MirrorThread
from orchestrator.plan import Plan, make_plan
from orchestrator.scratch import scratch_folder
from orchestrator.store import SweepFolder, write_json, write_text

FINISHED, SOME_FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Options:
    """How to run. `address`: a Ray cluster's, None for a local Ray. `gpu_share`: the part of a GPU a trial gets.

    `confirm`: how many of the best configurations run again on fresh seeds. `register`: the registered model that the
    best generator becomes a version of. `system_metrics`: rows tell of the worker and its machine too. `quiet`: nothing
    is said before the summary.
    """

    home: Path
    tracking_uri: str
    address: str | None = None
    workers: int | None = None
    gpu_share: float = 0.25
    confirm: int = 0
    register: str | None = None
    system_metrics: bool = False
    quiet: bool = False


def run_sweep(file: Path, overrides: list[str], options: Options, console: Console) -> int:
    """Runs the sweep of `file` to its report; the exit code. Raises UserError before anything is started."""
    sweep = spec.load(file, overrides)
    if options.address:
        addresses.check_address(options.address)
    folder = SweepFolder(options.home, sweep.name)
    away = _check_mlflow(folder, options.tracking_uri)
    if options.register is not None:
        generator_model.check_name(options.register)
    _heed_interrupts()
    with display.make_display(console, options.quiet) as shown:
        shown.phase("loading the data")
        if away:
            shown.note(away)
        plan = extended(make_plan(sweep, options.home), options.confirm)
        for caution in sweep.cautions:
            shown.note(f"caution: {caution}")
        with hold(folder):
            evaluators = prepare(plan, options.home, shown.phase, shown.note, everything=bool(options.confirm))
            outcome = _run(plan, evaluators, options, shown)
    _say_the_end(options, console, outcome)
    return outcome.code


@dataclass(frozen=True)
class _Outcome:
    plan: Plan
    code: int
    end: concluding.Conclusion


def _run(plan: Plan, evaluators: dict[str, Evaluator], options: Options, shown: display.Display) -> _Outcome:
    stop = threading.Event()
    with ExitStack() as stack:
        importing = stack.enter_context(ThreadPoolExecutor(1)).submit(tracking.warm_up, options.tracking_uri)
        cluster = stack.enter_context(_cluster(plan, options, shown)) if plan.todo else None
        shown.phase("opening MLflow")
        importing.result()
        mirror = _open_mirror(plan, options, shown)
        write_json(plan.folder.sweep_file, plan.document())
        thread = MirrorThread(mirror)
        thread.start()
        try:
            if cluster:
                threading.Thread(target=generator_model.warm_up, daemon=True).start()
                with _stopping_on_signals(stop, shown):
                    _train(plan, evaluators, options, cluster, shown, stop)
                    more = extended(plan.looked_up(), options.confirm)
                    if len(more.trials) > len(plan.trials):
                        plan = more
                        write_json(plan.folder.sweep_file, plan.document())
                        mirror.follow(plan.document())
                        _train(plan, evaluators, options, cluster, shown, stop)
            shown.phase("sending the rest to MLflow")
            thread.drain(hurry=stop.is_set(), tell=lambda: shown.phase("still sending the rest to MLflow"))
            return _conclude(plan, options, thread, shown, _exit_code(plan, stop))
        except BaseException:
            thread.abandon()
            raise


def _conclude(plan: Plan, options: Options, thread: MirrorThread, shown: display.Display, code: int) -> _Outcome:
    """The report, from MLflow, and the end of the parent run; without them if MLflow did not take everything."""
    if thread.trouble:
        return _Outcome(plan, code, concluding.Conclusion(trouble=thread.trouble))
    status = {FINISHED: "FINISHED", SOME_FAILED: "FAILED"}.get(code, "KILLED")
    return _Outcome(plan, code, concluding.conclude(thread.mirror, status, shown.phase, options.register))


def _check_mlflow(folder: SweepFolder, uri: str) -> str | None:
    """What to say if MLflow does not answer; raises UserError where it never answered for this sweep.

    An address that never did is most likely mistyped. One that did is away for a while, and a sweep that something
    starts again at night goes on without it: training is what takes days, and sending can be done later.
    """
    try:
        addresses.check_uri(uri)
    except UserError as error:
        if not tracking.is_known(folder, uri):
            raise
        return _goes_on(error)
    return None


def _goes_on(error: UserError) -> str:
    return f"{error}. This sweep was recorded there before, so it goes on; what MLflow lacks is sent when it answers"


@contextmanager
def _cluster(plan: Plan, options: Options, shown: display.Display) -> Iterator[Cluster]:
    shown.phase("starting Ray" if options.address is None else f"connecting to Ray at {options.address}")
    workers = options.workers or environment.available_cpus()
    size = sum(images.images.nbytes + images.test_images.nbytes for images in plan.images.values())
    with scratch_folder() as scratch, Cluster(options.address, workers, scratch, size) as cluster:
        yield cluster


def _open_mirror(plan: Plan, options: Options, shown: display.Display) -> Mirror:
    """With nothing left to train, what MLflow has is looked at again as `orchestrate sync` does."""
    write_text(plan.folder.asked_file, Path(plan.sweep.file).read_text(encoding="utf-8"))
    mirror = Mirror(plan.folder, options.tracking_uri, plan.document(), rebuild=not plan.todo)
    try:
        mirror.open()
    except UserError as error:  # the mirror's thread tries again
        if not tracking.is_known(plan.folder, options.tracking_uri):
            raise
        shown.note(_goes_on(error))
    return mirror


def _train(
    plan: Plan,
    evaluators: dict[str, Evaluator],
    options: Options,
    cluster: Cluster,
    shown: display.Display,
    stop: threading.Event,
) -> None:
    from orchestrator import runner

    slots = cluster.slots(options.gpu_share)
    counts = ", ".join(f"{n} {state}" for state, n in plan.counts().items())
    shown.note(f"{plan.sweep.name}: {len(plan.trials)} trials ({counts}) on {slots} workers")
    shown.start(plan, Clock(plan, slots))
    shown.phase_text = "starting the workers"
    runner.run(plan, evaluators, cluster, options.gpu_share, stop, shown.report, options.system_metrics)


def _heed_interrupts() -> None:
    """A script's `orchestrate sweep FILE &` begins with SIGINT ignored, and `orchestrate stop` sends it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _stopping_on_signals(stop: threading.Event, shown: display.Display) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) lets every trial save itself; the second one does not wait."""

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        shown.note("stopping: every running trial saves a checkpoint (again to leave at once)")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code(plan: Plan, stop: threading.Event) -> int:
    statuses = {plan.folder.trial(p.key).record().status for p in plan.trials}
    if statuses == {"finished"}:
        return FINISHED
    return INTERRUPTED if stop.is_set() else SOME_FAILED


def _say_the_end(options: Options, console: Console, outcome: _Outcome) -> None:
    plan = outcome.plan
    say = lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False)  # noqa: E731
    end = outcome.end
    if end.answer:
        say(f"\n{plan.sweep.question}\n{end.answer}\n")
    for planned in plan.trials:
        record = plan.folder.trial(planned.key).record()
        if record.status == "failed" and record.error:
            say(f"failed: {planned.trial.name}: {record.error.strip().splitlines()[-1]}")
    if end.report:
        say(f"report  {end.report}")
    if end.model:
        say(f"model   {end.model.uri}, the generator of {end.model.trial}")
    if end.model_trouble:
        say(f"no model: {end.model_trouble}")
    if end.trouble:
        sync = command(f"sync {plan.sweep.name}", options.home)
        say(f"no report: {end.trouble}; {sync}{_elsewhere(options)} sends what MLflow lacks and writes it")
    elif options.tracking_uri.startswith("http"):
        say(f"MLflow  {addresses.without_secrets(options.tracking_uri)}, experiment {plan.sweep.name}")
    else:
        say(f"MLflow  {command('ui', options.home)}{_elsewhere(options)}, then experiment {plan.sweep.name}")
    if outcome.code == INTERRUPTED:
        left = sum(plan.folder.trial(p.key).record().status != "finished" for p in plan.trials)
        say(f"interrupted with {left} of {len(plan.trials)} trials left; the same command goes on from here")
    elif outcome.code == SOME_FAILED:
        say("some trials failed; the same command tries them again")


def _elsewhere(options: Options) -> str:
    """`--tracking-uri` where MLflow is not where it would be looked for."""
    if options.tracking_uri == addresses.default_uri(options.home):
        return ""
    return f" --tracking-uri {addresses.without_secrets(options.tracking_uri)}"
