"""The commands that show: `status`, `report`, `ui`, `map`, `sample`, `logs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completion import complete_sweep
from orchestrator.cli.options import (
    HOME,
    File,
    Home,
    Json,
    RemoteAddress,
    Set,
    SweepName,
    TrackingUri,
    Trial,
)
from orchestrator.console.output import make_console
from orchestrator.errors import UserError


def status(
    sweep: Annotated[
        str | None,
        typer.Argument(metavar="[SWEEP]", help="A sweep; all of them if left out.", autocompletion=complete_sweep),
    ] = None,
    home: Home = HOME,
    json: Json = False,
    address: RemoteAddress = None,
) -> None:
    """Show the status of every trial of a sweep; with --address also the cluster's nodes and what runs on each.

    Example: `orchestrate status stability --json`
    """
    from orchestrator.commands.status import print_sweep, print_sweeps

    if sweep is None:
        print_sweeps(home, make_console(), json)
    else:
        print_sweep(home, sweep, make_console(), json, address)


def report(
    sweeps: Annotated[
        list[str],
        typer.Argument(metavar="SWEEP...", help="A sweep, or several to compare.", autocompletion=complete_sweep),
    ],
    home: Home = HOME,
    output: Annotated[
        Path | None,
        typer.Option(show_default="HOME/sweeps/SWEEP/report", help="Folder to write report.html and its tables into."),
    ] = None,
    tracking_uri: TrackingUri = None,
    address: RemoteAddress = None,
) -> None:
    """Write the report again, from MLflow alone: on any machine that reaches MLflow.

    Several sweeps are compared in pairs of runs that differ in nothing but the sweep.

    Example: `orchestrate report before after`
    """
    from orchestrator.commands import report
    from orchestrator.tracking.address import check_uri, default_uri

    uri = tracking_uri or default_uri(home)
    check_uri(uri)
    report.report(uri, sweeps, home, output, make_console())


def watch(
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Name of the sweep.", autocompletion=complete_sweep)],
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5050,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show the report of a running sweep as a live page on this machine, which updates itself.

    The address has a token, so that nobody else on the machine reads it. Ctrl-C ends the page, not the sweep.

    Example: `orchestrate watch stability`
    """
    from orchestrator.commands import watch
    from orchestrator.tracking.address import check_uri, default_uri

    uri = tracking_uri or default_uri(home)
    check_uri(uri)
    watch.watch(uri, sweep, home, port, make_console())


def ui(
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open MLflow's UI on this store, on this machine only (127.0.0.1).

    Example: `orchestrate ui --port 5001`
    """
    from orchestrator.commands.ui import serve
    from orchestrator.tracking.address import default_uri

    serve(home, tracking_uri or default_uri(home), port, make_console())


def map_(
    file: File,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="PATH=VALUE", help="A value of each setting of the map, as often as there are."),
    ] = None,
    set_: Set = None,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Say what the map of stability promises at a point: P(stable), the Frechet distance, the nearest trials.

    Without --at it says how much of the space is stable. Needs neither Ray nor MLflow nor the data.

    Example: `orchestrate map FILE --at optimizer.lr=3e-4 --at loss.gradient_penalty=10`
    """
    from orchestrator.commands.map import answer

    answer(file, set_ or [], at or [], home, make_console(), json)


def sample(
    sweep: SweepName,
    trial: Trial,
    grid: Annotated[
        int | None, typer.Option(min=1, max=10_000, metavar="N", show_default="64", help="Draw a grid of N images.")
    ] = None,
    by_class: Annotated[
        bool, typer.Option("--by-class", help="Draw one row for each class (acgan, sngan_projection).")
    ] = False,
    interpolate: Annotated[
        bool,
        typer.Option("--interpolate", help="Draw rows that interpolate from one latent to another, on the sphere."),
    ] = False,
    best: Annotated[
        bool, typer.Option("--best", help="Use the generator of the best evaluation, not the last one.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the latents; 0: the latents of the pictures made in training.")
    ] = 0,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default="SWEEP-KEY-KIND.png", help="The PNG file to write.")
    ] = None,
    home: Home = HOME,
) -> None:
    """Draw images from a trial's generator into a PNG file; needs neither Ray nor MLflow nor the data.

    For an unfinished trial it uses the generator in the last checkpoint.

    Example: `orchestrate sample stability 3 --best --grid 100 --output digits.png`
    """
    from orchestrator.commands.sample import ImageLayout, SampleRequest, sample
    from orchestrator.store.sweep_folder import SweepFolder

    if (grid is not None) + by_class + interpolate > 1:
        raise UserError("--grid, --by-class and --interpolate are three pictures; choose one")
    layout: ImageLayout = "by-class" if by_class else "interpolation" if interpolate else "grid"
    request = SampleRequest(trial, layout, grid or 64, best, seed, output)
    sample(SweepFolder(home, sweep), request, make_console())


def logs(
    sweep: SweepName,
    trial: Trial,
    rows: Annotated[int, typer.Option(min=0, metavar="N", help="The last N rows of the history.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on while the trial runs: one line for each new row.")
    ] = False,
    home: Home = HOME,
    address: RemoteAddress = None,
) -> None:
    """Print a trial's attempts, its verdict, its error with the traceback, and the last rows of its history.

    Rows appear when a checkpoint makes them durable (`checkpoint_every`). Ctrl-C ends `--follow`, not the trial.

    Example: `orchestrate logs stability 3 --follow`
    """
    from orchestrator.commands.logs import print_logs
    from orchestrator.store.sweep_folder import SweepFolder

    print_logs(SweepFolder(home, sweep), trial, rows, follow, make_console())
