"""The commands that look after a home folder: `stop`, `sync`, `import`, `clean`, `datasets`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completion import complete_sweep
from orchestrator.cli.options import (
    HOME,
    Address,
    Home,
    Json,
    RemoteAddress,
    SweepName,
    TrackingUri,
)
from orchestrator.console.output import make_console, print_json
from orchestrator.errors import UserError

datasets_app = typer.Typer(invoke_without_command=True)


def stop(sweep: SweepName, home: Home = HOME, address: RemoteAddress = None) -> None:
    """Stop a sweep that another command runs on this machine, as Ctrl-C there would: every running trial is saved.

    Example: `orchestrate stop stability`
    """
    from orchestrator.commands.stop import stop
    from orchestrator.store.sweep_folder import SweepFolder

    stop(SweepFolder(home, sweep), make_console())


def sync(sweep: SweepName, home: Home = HOME, tracking_uri: TrackingUri = None, address: RemoteAddress = None) -> None:
    """Send MLflow what it lacks of a sweep: after an outage or a deletion, or the whole sweep to another store.

    It needs the sweep's folder, but neither the sweep file nor the data. Runs that a killed command left as running get
    their true status, deleted runs come back, the report is written again; what MLflow has already is not sent. Refused
    while the sweep runs, which does the same. Exit codes: 0 MLflow has everything, 1 it has not.

    Example: `orchestrate sync stability --tracking-uri http://127.0.0.1:5000`
    """
    from orchestrator.commands.sync import sync
    from orchestrator.store.sweep_folder import SweepFolder
    from orchestrator.tracking.address import default_uri

    raise typer.Exit(sync(SweepFolder(home, sweep), tracking_uri or default_uri(home), make_console()))


def import_runs(
    file: Annotated[Path, typer.Argument(metavar="MAPPING", help="A mapping file: which names of the logs are what.")],
    name: Annotated[
        str | None, typer.Option(metavar="SWEEP", show_default="`sweep:` in the file", help="The sweep that it makes.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is mapped to what, and write nothing.")] = False,
    home: Home = HOME,
    tracking_uri: TrackingUri = None,
) -> None:
    """Make a sweep of runs that other tools have logged, with its report and all its statistics.

    Reads tables (CSV, parquet), TensorBoard, W&B, MLflow and StyleGAN, and says first which of their names is which
    setting, seed and metric, and what cannot be judged. The same import again replaces the sweep by what its source
    holds then; a sweep that was trained here is never replaced. Exit codes: 0 all done, 1 MLflow lacks something, 2 the
    request is wrong and nothing was written.

    Example: `orchestrate import old-runs.yaml --dry-run`
    """
    from orchestrator.commands.import_runs import import_runs
    from orchestrator.tracking.address import default_uri

    raise typer.Exit(import_runs(file, name, home, tracking_uri or default_uri(home), dry_run, make_console()))


def clean(
    sweep: Annotated[
        str | None, typer.Argument(metavar="SWEEP", help="The name of a sweep.", autocompletion=complete_sweep)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every sweep of the home folder.")] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Delete the sweep's whole folder: trials, histories, report.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    home: Home = HOME,
) -> None:
    """Delete files that nobody needs any more. Lists them with their size and asks before.

    These are checkpoints of finished trials and what `orchestrate train` and killed commands left. Results, generators
    and pictures stay unless `--everything` is given. MLflow's records always stay. Refused while the sweep runs.

    Example: `orchestrate clean stability`
    """
    from orchestrator.commands.clean import choose_sweeps, clean

    folders = choose_sweeps(home, sweep, all_)
    clean(home, folders, all_, everything, (lambda question: True) if yes else _confirm, make_console())


def _confirm(question: str) -> bool:
    """The user's answer. Raises UserError if there is nobody to answer."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        raise UserError("no answer, so nothing was deleted; add --yes to delete without being asked") from None


@datasets_app.callback()
def datasets(context: typer.Context, home: Home = HOME, json: Json = False) -> None:
    """List the known data sets: which are downloaded, their size, and how to get the others.

    Example: `orchestrate datasets`
    """
    if context.invoked_subcommand:
        context.default_map = {"prepare": {"home": str(home)}}  # for `datasets --home HOME prepare NAME`
        return
    from orchestrator.commands import datasets

    if json:
        print_json(datasets.dataset_rows(home))
    else:
        datasets.print_datasets(home, make_console())


@datasets_app.command()
def prepare(name: Annotated[str, typer.Argument(metavar="NAME", help="Such as mnist.")], home: Home = HOME) -> None:
    """Download a data set into the home folder (with torchvision) and read it once.

    Example: `orchestrate datasets prepare mnist`
    """
    from orchestrator.commands import datasets

    datasets.prepare(name, home, make_console())


@datasets_app.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of images, or an .npz file.")],
    image_size: Annotated[int, typer.Option(help="As data.image_size: 32, 64, 128 or 256.")] = 32,
    background: Annotated[str, typer.Option(help="As data.background: what shows where images are transparent.")] = (
        "white"
    ),
    on_disk: Annotated[
        bool,
        typer.Option(help="As data.on_disk: convert the folder to files beside it, for more images than memory."),
    ] = False,
    json: Json = False,
) -> None:
    """Read your own images as a sweep would: classes, sizes, what is converted, skipped or broken.

    Exit codes: 0 all images can be read, 1 some cannot.

    Example: `orchestrate datasets check my_images`
    """
    from orchestrator.commands.dataset_check import check

    raise typer.Exit(check(path, image_size, background, on_disk, json, make_console()))


def doctor(home: Home = HOME, address: Address = None, tracking_uri: TrackingUri = None, json: Json = False) -> None:
    """Check that this machine has what a sweep needs, and say how to correct what is wrong.

    Exit codes: 0 nothing is wrong, 1 something is.

    Example: `orchestrate doctor --json`
    """
    from orchestrator.commands.doctor import print_checks, run_checks
    from orchestrator.tracking.address import default_uri

    checks = run_checks(home, tracking_uri or default_uri(home), None if address == "local" else address)
    raise typer.Exit(print_checks(checks, make_console(), json))


def config(json: Json = False) -> None:
    """Show your own defaults: home, MLflow, notifications, price; which of them count now, and where they come from.

    They stand in a file, whose path is printed. An option of a command counts before the environment, that before the
    file.

    Example: `orchestrate config`
    """
    from orchestrator.commands.config import show

    show(make_console(), json)
