"""The command line: one short function a command. What is heavy is imported inside, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator import __version__
from orchestrator.cli import manage
from orchestrator.cli.options import (
    HOME,
    Address,
    Elsewhere,
    File,
    GpuShare,
    Home,
    Json,
    Set,
    Storage,
    TrackingUri,
    Workers,
    make_console,
)
from orchestrator.errors import UserError
from orchestrator.signals import LEFT, Interrupted

app = typer.Typer(
    name="orchestrate",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""Trains grids of GANs and reports which settings train stably, and how sure that is.

A first sweep, on digits that come with scikit-learn, in a few minutes:

    orchestrate sweep experiments/stability.yaml

The same command again repeats nothing that is finished; after Ctrl-C it goes on where it was.""",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gan-orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
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
    from orchestrator.commands import sweep
    from orchestrator.tracking import address

    uri = tracking_uri or address.default_uri(home)
    options = sweep.Options(
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


@app.command()
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
    address: Elsewhere = None,
) -> None:
    """Show what a sweep would run, what is already there or stale, and how long it will take; runs nothing.

    The time comes from trials of this home folder that ran on the same kind of processor, or from `--pilot`, which
    runs its trials alone: beside others they take longer.

    Example: `orchestrate plan experiments/stability.yaml --pilot --price-per-hour 0.40`
    """
    from orchestrator.commands import plan
    from orchestrator.commands.status import print_json

    console = make_console()
    note = (lambda text: None) if json else (lambda text: console.print(text, highlight=False, markup=False))
    request = plan.Request(file, set_ or [], home, workers, gpu_share, price_per_hour, pilot)
    outlook = plan.look_ahead(request, note)
    if json:
        print_json(plan.as_json(outlook))
    else:
        plan.print_outlook(outlook, console)


@app.command()
def status(
    sweep: Annotated[str | None, typer.Argument(metavar="[SWEEP]", help="A sweep; all of them if left out.")] = None,
    home: Home = HOME,
    json: Json = False,
    address: Elsewhere = None,
) -> None:
    """Show where a sweep stands, trial by trial; with --address also the cluster's nodes, and what runs where.

    Example: `orchestrate status stability --json`
    """
    from orchestrator.commands import status as standing

    if sweep is None:
        standing.print_sweeps(home, make_console(), json)
    else:
        standing.print_sweep(home, sweep, make_console(), json, address)


@app.command()
def report(
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP...", help="A sweep, or several to compare.")],
    home: Home = HOME,
    output: Annotated[
        Path | None,
        typer.Option(show_default="HOME/sweeps/SWEEP/report", help="Folder to write report.html and its tables into."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Write it again while the sweep runs.")] = False,
    tracking_uri: TrackingUri = None,
    address: Elsewhere = None,
) -> None:
    """Write the comparison again, from MLflow alone: it can be made on any machine that reaches it.

    Several sweeps are compared, in pairs of runs that differ in nothing else.

    Example: `orchestrate report before after`
    """
    from orchestrator.commands import report
    from orchestrator.tracking import address

    uri = tracking_uri or address.default_uri(home)
    address.check_uri(uri)
    report.report(uri, sweeps, home, output, watch)


@app.command()
def ui(
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open MLflow's UI on this store, on this machine only (127.0.0.1).

    Example: `orchestrate ui --port 5001`
    """
    from orchestrator.store.trial_folder import make_home
    from orchestrator.tracking import address

    uri = tracking_uri or address.default_uri(home)
    if uri.startswith("http"):
        print(f"MLflow already serves these runs at {address.without_secrets(uri)}")
        raise typer.Exit
    address.check_free(port)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")  # eight processes, for what judges text
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri  # not as an argument, which every user of the machine can read
    make_home(home)
    print(f"MLflow on http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server"]
    command += ["--default-artifact-root", str(home.absolute() / "mlartifacts"), "--host", "127.0.0.1"]
    os.execv(sys.executable, [*command, "--port", str(port)])


@app.command()
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


app.add_typer(manage.app)


def main() -> None:
    """The console script: a user's mistake ends in clear lines and exit code 2."""
    try:
        app()
    except UserError as error:
        print(error, file=sys.stderr)
        code: object = 2
    except Interrupted as left:
        print(LEFT)
        code = left.code
    except SystemExit as done:
        code = done.code
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # unloading torch and Ray would take 2 seconds
