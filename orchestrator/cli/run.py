"""The commands that train: `sweep`, `plan` (what it would do), `train`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from orchestrator.cli.options import (
    HOME,
    Address,
    File,
    GpuShare,
    Home,
    Json,
    RemoteAddress,
    Set,
    Storage,
    TrackingUri,
    Workers,
)
from orchestrator.console.output import make_console, print_json, say
from orchestrator.errors import UserError

UntilAnswered = Annotated[
    bool,
    typer.Option(
        "--until-answered",
        help="Train seeds until the question is answered; the file has `seeds: {first: 3, most: 20}`.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="With --until-answered, train no longer than this: 2h, 90m."),
]
StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early",
        help="End trials that have had no variety, or have not drawn, for twice as long as any that recovered.",
    ),
]


def sweep(
    file: File,
    set_: Set = None,
    home: Home = HOME,
    storage: Storage = None,
    workers: Workers = None,
    address: Address = None,
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", help="Start the sweep and do not wait for it: it goes on when the terminal is closed."
        ),
    ] = False,
    slurm: Annotated[
        bool,
        typer.Option("--slurm", help="Submit the sweep as a Slurm job, which asks for what `slurm:` in the file says."),
    ] = False,
    slurm_array: Annotated[
        int | None,
        typer.Option(min=2, max=1000, metavar="N", help="Submit it as N independent Slurm jobs on a node each."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --slurm or --slurm-array, print the batch script; submit nothing.")
    ] = False,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Train the Ith of N parts, beside commands for the other parts on other machines that share the home.",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "any"],
        typer.Option(
            help="What trials train on; auto: GPUs if there are any, else processors; any: GPUs and processors."
        ),
    ] = "auto",
    gpu_share: GpuShare = None,
    confirm: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="K",
            help="Train the best K configurations again on fresh seeds: the best of many are partly the luckiest. "
            "Default: 1 of a search, 0 of other sweeps.",
        ),
    ] = None,
    until_answered: UntilAnswered = False,
    budget: Budget = None,
    stop_early: StopEarly = False,
    tracking_uri: TrackingUri = None,
    register: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Register the best configuration's generator in MLflow under this name."),
    ] = None,
    system_metrics: Annotated[
        bool, typer.Option("--system-metrics", help="Record processor, memory and GPU while trials train.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop the sweep when a trial fails; running trials are saved.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, metavar="MINUTES", help="Replace a worker after this many silent minutes."),
    ] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only errors and the summary at the end.")] = False,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            envvar="ORCHESTRATE_NOTIFY",
            show_envvar=True,
            help="Send word to this address when the sweep has ended or its trials diverge, such as ntfy://TOPIC (see "
            "https://appriseit.com); may be repeated.",
        ),
    ] = None,
) -> None:
    """Run a sweep, or go on with it, then write the report.

    Finished trials are not repeated; interrupted trials resume from their checkpoints. Ctrl-C saves every running
    trial and exits. Exit codes: 0 every trial has a verdict (a diverged GAN is a verdict), 1 a trial failed for
    another cause, 2 the request is wrong and nothing was started, 130 interrupted, the disk became full, or the budget
    was spent before any trial ended.

    Example: `orchestrate sweep experiments/stability.yaml --set seeds=[0,1,2]`
    """
    from orchestrator import signals

    overrides = _overrides(set_, until_answered, budget, stop_early)
    if slurm or slurm_array or dry_run:
        _refuse_with_slurm(slurm or bool(slurm_array), address, detach, part)
    if detach:
        if part:
            raise UserError("--detach waits for the command that runs a whole sweep; start parts with nohup or Slurm")
        from orchestrator.commands.detach import start_detached

        words = [word for word in sys.argv[1:] if word != "--detach"]
        with _options_in_errors(until_answered, budget):
            raise typer.Exit(start_detached(file, overrides, home, words, make_console()))
    signals.exit_on_signals()  # before torch is imported, which takes a while
    from orchestrator.commands.parts import run_part
    from orchestrator.commands.sweep import run_sweep
    from orchestrator.commands.sweep_options import SweepOptions, parse_part
    from orchestrator.sweepfile import loader
    from orchestrator.tracking.address import default_uri

    uri = tracking_uri or default_uri(home)
    options = SweepOptions(
        home,
        uri,
        None if address == "local" else address,
        workers,
        gpu_share,
        device=device,
        confirm=confirm,
        register=register,
        system_metrics=system_metrics,
        quiet=quiet,
        fail_fast=fail_fast,
        patience=60 * patience,
        storage=storage,
        notify=notify or (),
        part=parse_part(part) if part is not None else None,
    )
    if slurm or slurm_array:
        from orchestrator.commands.slurm import SlurmRequest, submit

        request = SlurmRequest(file, overrides, sys.argv[1:], options, slurm_array or 0, dry_run)
        with _options_in_errors(until_answered, budget):
            raise typer.Exit(submit(request, make_console()))
    with _options_in_errors(until_answered, budget):
        asked = loader.load(file, overrides)
    if options.part and options.part.number > 1:
        raise typer.Exit(run_part(asked, options, make_console()))
    raise typer.Exit(run_sweep(asked, options, make_console()).exit_code)


def _refuse_with_slurm(is_slurm: bool, address: str | None, detach: bool, part: str | None) -> None:
    """Raises UserError for options that do not go together."""
    if not is_slurm:
        raise UserError(
            "--dry-run prints the script of --slurm; `orchestrate plan FILE` shows what a sweep would train"
        )
    given = {"--address (or $RAY_ADDRESS)": address, "--detach": detach, "--part": part}
    for option, value in given.items():
        if value:
            raise UserError(
                f"--slurm and {option} do not go together: a Slurm job runs by itself; leave one of them out"
            )


def plan(
    file: File,
    set_: Set = None,
    home: Home = HOME,
    workers: Workers = None,
    gpu_share: GpuShare = None,
    until_answered: UntilAnswered = False,
    budget: Budget = None,
    stop_early: StopEarly = False,
    price_per_hour: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="P", envvar="ORCHESTRATE_PRICE_PER_HOUR", help="What an hour of the machine costs."
        ),
    ] = None,
    power: Annotated[
        float | None,
        typer.Option(
            min=0.05,
            max=0.99,
            metavar="P",
            show_default="0.8 with --effect",
            help="How many seeds a fixed design would take, to show an effect in this share of sweeps.",
        ),
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=1.0,
            metavar="E",
            show_default="0.3 with --power",
            help="The change of the share of stable runs that --power is of.",
        ),
    ] = None,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="Train each group's first trial for a few steps here, to measure its speed.")
    ] = False,
    json: Json = False,
    address: RemoteAddress = None,
) -> None:
    """Show which trials a sweep would train, which are finished or stale, and how long it would take; trains nothing.

    The time comes from trials of this home folder that ran on the same kind of processor, or from `--pilot`. A pilot
    runs its trials alone; beside others they take longer. Of a sweep that trains until its question is answered it
    shows the trials that are needed next, and how many are left at least, as expected, and at most.

    Example: `orchestrate plan experiments/stability.yaml --pilot --price-per-hour 0.40`
    """
    from orchestrator.commands import plan
    from orchestrator.sweepfile import loader

    console = make_console()
    note = (lambda text: None) if json else (lambda text: say(console, text, word_wrap=True))
    with _options_in_errors(until_answered, budget):
        asked = loader.load(file, _overrides(set_, until_answered, budget, stop_early))
    request = plan.PlanRequest(asked, home, workers, gpu_share, price_per_hour, pilot, power, effect)
    preview = plan.make_preview(request, note)
    if json:
        print_json(plan.as_json(preview))
    else:
        plan.print_preview(preview, console)


def _overrides(set_: list[str] | None, until_answered: bool, budget: str | None, stop_early: bool) -> list[str]:
    """The values of `--set`, with those that have options of their own."""
    overrides = [*(set_ or [])]
    overrides += ["until=answered"] if until_answered else []
    overrides += ["stop_early=true"] if stop_early else []
    return overrides + ([f"budget={budget}"] if budget is not None else [])


@contextmanager
def _options_in_errors(until_answered: bool, budget: str | None) -> Iterator[None]:
    """A mistake in one of these options is said to be in it, not in the `--set` that it stands for."""
    try:
        yield
    except UserError as error:
        text = str(error)
        if until_answered:
            text = re.sub(r"^--set until:", "--until-answered:", text, flags=re.MULTILINE)
        if budget is not None:
            text = re.sub(r"^--set budget:", "--budget:", text, flags=re.MULTILINE)
        raise UserError(text) from None


def train(
    file: File,
    trial: Annotated[
        str,
        typer.Option(help="Which trial: its key or name in `orchestrate plan`, or its place there (1, 2, ...)."),
    ] = "1",
    set_: Set = None,
    home: Home = HOME,
) -> None:
    """Train one trial of a sweep in this process, without Ray or MLflow, to debug or to profile it.

    It starts from step 0 every time, takes all steps, also with `stop_early`, and keeps its files in HOME/train/KEY;
    the sweep does not use them.

    Example: `orchestrate train experiments/stability.yaml --trial 3`
    """
    from orchestrator.commands import train

    raise typer.Exit(train.train(file, trial, set_ or [], home, make_console()))
