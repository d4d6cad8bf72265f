"""`orchestrate sweep`: plan, run what is left, mirror, report."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console

from gan_core.evaluation.evaluator import Evaluator
from gan_core.identity import effective_settings
from orchestrator import addresses, best, display, environment, generator_model, spec, tracking
from orchestrator.clock import Clock
from orchestrator.cluster import Cluster
from orchestrator.errors import UserError, first_line
from orchestrator.evaluators import prepare
from orchestrator.mirror import Mirror
from orchestrator.mirror_thread import MirrorThread
from orchestrator.plan import Plan, make_plan
from orchestrator.scratch import scratch_folder
from orchestrator.store import SweepFolder, write_json

FINISHED, SOME_FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Options:
    """How to run. `address`: a Ray cluster's, None for a local Ray. `gpu_share`: the part of a GPU a trial gets.

    `register`: the registered model that the best generator becomes a version of. `system_metrics`: rows tell of the
    worker and its machine too.
    """

    home: Path
    tracking_uri: str
    address: str | None = None
    workers: int | None = None
    gpu_share: float = 0.25
    register: str | None = None
    system_metrics: bool = False


def run_sweep(file: Path, overrides: list[str], options: Options, console: Console) -> int:
    """Runs the sweep of `file` to its report; the exit code. Raises UserError before anything is started."""
    sweep = spec.load(file, overrides)
    if options.address:
        addresses.check_address(options.address)
    addresses.check_uri(options.tracking_uri)
    if options.register is not None:
        generator_model.check_name(options.register)
    folder = SweepFolder(options.home, sweep.name)
    with display.make_display(console) as shown:
        shown.phase("loading the data")
        plan = make_plan(sweep, options.home)
        for caution in sweep.cautions:
            shown.note(f"caution: {caution}")
        with hold(folder):
            evaluators = prepare(plan, options.home, shown.phase, shown.note)
            outcome = _run(plan, evaluators, options, shown)
    _say_the_end(plan, options, console, outcome)
    return outcome.code


@dataclass(frozen=True)
class _Outcome:
    code: int
    answer: str
    report: Path | None
    trouble: str | None
    model: generator_model.LoggedGenerator | None = None
    model_trouble: str | None = None


@contextmanager
def hold(folder: SweepFolder) -> Iterator[None]:
    """The sweep's lock, or UserError with who has it. The system frees it when its holder dies."""
    lock = FileLock(folder.lock_file, timeout=1)
    try:
        folder.folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        try:
            who = json.loads(folder.holder_file.read_text())
            by = f"process {who['process']} on {who['host']} since {who['since']}"
        except (OSError, ValueError, KeyError):
            by = "another process"
        raise UserError(f"sweep {folder.name} is being run by {by}; wait for it, or stop it first") from None
    except OSError as error:
        raise UserError(f"{folder.folder} cannot be written ({error.strerror}); choose another --home") from None
    try:
        write_json(folder.holder_file, environment.this_process())
        yield
    finally:
        lock.release()


def _run(plan: Plan, evaluators: dict[str, Evaluator], options: Options, shown: display.Display) -> _Outcome:
    stop = threading.Event()
    with ExitStack() as stack:
        importing = stack.enter_context(ThreadPoolExecutor(1)).submit(tracking.warm_up, options.tracking_uri)
        cluster = stack.enter_context(_cluster(plan, options, shown)) if plan.todo else None
        shown.phase("opening MLflow")
        importing.result()
        mirror = _open_mirror(plan, options)
        write_json(plan.folder.sweep_file, plan.document())
        thread = MirrorThread(mirror)
        thread.start()
        try:
            if cluster:
                threading.Thread(target=generator_model.warm_up, daemon=True).start()
                with _stopping_on_signals(stop, shown):
                    _train(plan, evaluators, options, cluster, shown, stop)
            shown.phase("sending the rest to MLflow")
            thread.drain()
            return _conclude(plan, options, thread, shown, _exit_code(plan, stop))
        except BaseException:
            mirror.abandon()
            raise


def _conclude(plan: Plan, options: Options, thread: MirrorThread, shown: display.Display, code: int) -> _Outcome:
    """The report, from MLflow, and the end of the parent run; without them if MLflow did not take everything."""
    if thread.trouble:
        return _Outcome(code, "", None, thread.trouble)
    from orchestrator import report

    shown.phase("writing the report")
    try:
        answer, file = report.write(
            options.tracking_uri, plan.sweep.name, plan.folder.report_file, thread.mirror.parent
        )
        status = {FINISHED: "FINISHED", SOME_FAILED: "FAILED"}.get(code, "KILLED")
        thread.mirror.finish(status, answer, file)
    except UserError as error:
        return _Outcome(code, "", None, str(error))
    if code == INTERRUPTED:
        return _Outcome(code, answer, file, None)
    return _Outcome(code, answer, file, None, *_log_generator(plan, options, thread.mirror, shown))


def _log_generator(
    plan: Plan, options: Options, mirror: Mirror, shown: display.Display
) -> tuple[generator_model.LoggedGenerator | None, str | None]:
    """The best configuration's generator in MLflow, or the trouble with it: the sweep has its report already."""
    ended = [best.ended(p.describe(), plan.folder.trial(p.key).record()) for p in plan.trials]
    chosen = best.choose([trial for trial in ended if trial])
    if chosen is None:
        return None, "no run kept a generator that was measured" if options.register else None
    shown.phase("logging the best generator")
    try:
        return generator_model.log(mirror, chosen, options.register), None
    except Exception as error:  # MLflow, SQLAlchemy, requests and torch.export each have errors of their own
        return None, f"{first_line(error)}; the same command tries again"


@contextmanager
def _cluster(plan: Plan, options: Options, shown: display.Display) -> Iterator[Cluster]:
    shown.phase("starting Ray" if options.address is None else f"connecting to Ray at {options.address}")
    workers = options.workers or environment.available_cpus()
    size = sum(images.images.nbytes + images.test_images.nbytes for images in plan.images.values())
    with scratch_folder() as scratch, Cluster(options.address, workers, scratch, size) as cluster:
        yield cluster


def _open_mirror(plan: Plan, options: Options) -> Mirror:
    settings = {
        p.key: {**effective_settings(p.config), "data.fingerprint": p.fingerprint, "seed": p.trial.seed}
        for p in plan.trials
    }
    mirror = Mirror(plan.folder, options.tracking_uri, plan.document(), settings)
    mirror.open()
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


def command_name() -> str:
    """How this command can be called again from here: `orchestrate` if the shell finds it, else its path."""
    called = Path(sys.argv[0])
    if shutil.which(called.name) or called.parent in (Path(), Path(".")):
        return called.name
    return os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)


def _say_the_end(plan: Plan, options: Options, console: Console, outcome: _Outcome) -> None:
    say = lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False)  # noqa: E731
    if outcome.answer:
        say(f"\n{plan.sweep.question}\n{outcome.answer}\n")
    for planned in plan.trials:
        record = plan.folder.trial(planned.key).record()
        if record.status == "failed" and record.error:
            say(f"failed: {planned.trial.name}: {record.error.strip().splitlines()[-1]}")
    if outcome.report:
        say(f"report  {outcome.report}")
    if outcome.model:
        say(f"model   {outcome.model.uri}, the generator of {outcome.model.trial}")
    if outcome.model_trouble:
        say(f"no model: {outcome.model_trouble}")
    if outcome.trouble:
        say(f"no report: {outcome.trouble}; the same command sends what MLflow lacks and writes it")
    elif options.tracking_uri.startswith("http"):
        say(f"MLflow  {addresses.without_secrets(options.tracking_uri)}, experiment {plan.sweep.name}")
    else:
        where = "" if options.home == Path("runs") else f" --home {options.home}"
        if options.tracking_uri != addresses.default_uri(options.home):
            where += f" --tracking-uri {addresses.without_secrets(options.tracking_uri)}"
        say(f"MLflow  {command_name()} ui{where}, then experiment {plan.sweep.name}")
    if outcome.code == INTERRUPTED:
        left = sum(plan.folder.trial(p.key).record().status != "finished" for p in plan.trials)
        say(f"interrupted with {left} of {len(plan.trials)} trials left; the same command goes on from here")
    elif outcome.code == SOME_FAILED:
        say("some trials failed; the same command tries them again")
