"""The commands that train: `sweep`, `plan` (what it would do), `train`."""

from __future__ import annotations

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


def sweep(
    file: File,
    set_: Set = None,
    home: Home = HOME,
    storage: Storage = None,
    workers: Workers = None,
    address: Address = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With ray:// or http://: do not wait for the sweep, which runs there.")
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "any"],
        typer.Option(help="What trials train on; auto: on GPUs where there are any; any: on GPUs and processors."),
    ] = "auto",
    gpu_share: GpuShare = None,
    confirm: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="K",
            help="Run the best K configurations again on fresh seeds: the best of many are partly the luckiest.",
        ),
    ] = 0,
    tracking_uri: TrackingUri = None,
    register: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Register the best configuration's generator in MLflow under this name."),
    ] = None,
    system_metrics: Annotated[
        bool, typer.Option("--system-metrics", help="Record processor, memory and GPU while trials train.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop the sweep when a trial fails; those that run are saved.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option(min=0.1, metavar="MINUTES", help="Without a word of a trial for so long its worker is killed."),
    ] = 15.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the summary at the end, and errors.")] = False,
) -> None:
    """Run a sweep, or go on with it, then write the report.

    Finished trials are not repeated, interrupted ones resume from their checkpoints. Ctrl-C saves every running
    trial and leaves. Exit codes: 0 every trial has a verdict (a diverged GAN is a verdict), 1 some trial failed for
    another cause, 2 the request is wrong and nothing was started, 130 interrupted.

    Example: `orchestrate sweep experiments/stability.yaml --set seeds=[0,1,2]`
    """
    from orchestrator import signals

    if detach:
        raise UserError("--detach needs --address ray://HOST:10001 or http://HOST:8265: who waits is this command")
    signals.leave_on_signals()  # before torch is imported, which takes a while
    from orchestrator.commands import sweep, sweep_options
    from orchestrator.tracking.address import default_uri

    uri = tracking_uri or default_uri(home)
    options = sweep_options.SweepOptions(
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
    )
    raise typer.Exit(sweep.run_sweep(file, set_ or [], options, make_console()))


def plan(
    file: File,
    set_: Set = None,
    home: Home = HOME,
    workers: Workers = None,
    gpu_share: GpuShare = None,
    price_per_hour: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="P", help="What an hour of the machine costs."),
    ] = None,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="Train each group's first trial for a few steps here, to measure its speed.")
    ] = False,
    json: Json = False,
    address: RemoteAddress = None,
) -> None:
    """Show what a sweep would run, what is already there or stale, and how long it will take; runs nothing.

    The time comes from trials of this home folder that ran on the same kind of processor, or from `--pilot`, which
    runs its trials alone: beside others they take longer.

    Example: `orchestrate plan experiments/stability.yaml --pilot --price-per-hour 0.40`
    """
    from orchestrator.commands import plan

    console = make_console()
    note = (lambda text: None) if json else (lambda text: say(console, text, word_wrap=True))
    request = plan.Request(file, set_ or [], home, workers, gpu_share, price_per_hour, pilot)
    outlook = plan.look_ahead(request, note)
    if json:
        print_json(plan.as_json(outlook))
    else:
        plan.print_outlook(outlook, console)


def train(
    file: File,
    trial: Annotated[
        str, typer.Option(help="Which trial of the sweep: its number (from 1), name or key (see `orchestrate plan`).")
    ] = "1",
    set_: Set = None,
    home: Home = HOME,
) -> None:
    """Train one trial of a sweep in this process, without Ray or MLflow: to debug, or to profile.

    It starts anew every time and leaves its files in HOME/train/KEY; the sweep does not know of it.

    Example: `orchestrate train experiments/stability.yaml --trial 3`
    """
    from orchestrator.commands import train

    raise typer.Exit(train.train(file, trial, set_ or [], home, make_console()))
