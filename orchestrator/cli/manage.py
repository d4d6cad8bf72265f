"""The commands that look after a home folder: `stop`, `sync`, `clean`, `datasets`, `doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

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
    """Stop a sweep that another command runs on this machine, as its Ctrl-C would: every running trial is saved.

    Example: `orchestrate stop stability`
    """
    from orchestrator.commands.stop import stop
    from orchestrator.store.sweep_folder import SweepFolder

    try:
        stop(SweepFolder(home, sweep), make_console())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def sync(sweep: SweepName, home: Home = HOME, tracking_uri: TrackingUri = None, address: RemoteAddress = None) -> None:
    """Send MLflow what it lacks of a sweep: after an outage, or all of it, to another store or after a deletion.

    From the sweep's folder alone, neither file nor data are needed. Runs that a dead command left running get their
    true status, deleted ones come back, the report is written again; what is there already is not sent. Refused while
    the sweep runs, which does the same. Exit codes: 0 MLflow has everything, 1 it has not.

    Example: `orchestrate sync stability --tracking-uri http://127.0.0.1:5000`
    """
    from orchestrator.commands.sync import sync
    from orchestrator.store.sweep_folder import SweepFolder
    from orchestrator.tracking.address import default_uri

    try:
        code = sync(SweepFolder(home, sweep), tracking_uri or default_uri(home), make_console())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def clean(
    sweep: Annotated[str | None, typer.Argument(metavar="SWEEP", help="The name of a sweep.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every sweep of the home folder.")] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Delete the sweep's whole folder: trials, histories, report.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    home: Home = HOME,
) -> None:
    """Delete what nobody needs any more, after saying what and how much, and asking.

    That is: checkpoints of finished trials, what `orchestrate train` and killed commands left. Results, generators and
    pictures stay unless `--everything` is given; MLflow's records always stay. Refused while the sweep runs.

    Example: `orchestrate clean stability`
    """
    from orchestrator.commands import clean
    from orchestrator.formatting import format_bytes

    folders = clean.choose_sweeps(home, sweep, all_)
    with clean.held(folders):
        waste = clean.find(home, folders, all_, everything)
        for line in clean.describe(waste, folders, everything):
            print(line)
        if not waste:
            print("nothing to delete; `orchestrate status` shows what is kept")
            return
        if not yes and not _agreed(f"delete {format_bytes(sum(one.size for one in waste))}?"):
            print("nothing was deleted")
            return
        print(f"deleted {format_bytes(clean.delete(waste))}; `orchestrate status` shows what is left")


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:
        raise UserError("no answer, so nothing was deleted; add --yes to delete without being asked") from None


@datasets_app.callback()
def datasets(context: typer.Context, home: Home = HOME, json: Json = False) -> None:
    """List the known data sets: what is here, its size, how to get the rest.

    Example: `orchestrate datasets`
    """
    if context.invoked_subcommand:
        context.default_map = {"prepare": {"home": str(home)}}  # for `datasets --home HOME prepare NAME`
        return
    from orchestrator.commands import datasets

    if json:
        print_json(datasets.describe(home))
    else:
        datasets.print_datasets(home, make_console())


@datasets_app.command()
def prepare(name: Annotated[str, typer.Argument(metavar="NAME", help="Such as mnist.")], home: Home = HOME) -> None:
    """Fetch a data set into the home folder (torchvision downloads it) and read it once.

    Example: `orchestrate datasets prepare mnist`
    """
    from orchestrator.commands import datasets

    datasets.prepare(name, home, make_console())


def doctor(home: Home = HOME, address: Address = None, tracking_uri: TrackingUri = None, json: Json = False) -> None:
    """Check that this machine has what a sweep needs, and say what to do where it has not.

    Exit codes: 0 nothing is wrong, 1 something is.

    Example: `orchestrate doctor --json`
    """
    from orchestrator.commands import doctor as examination
    from orchestrator.tracking.address import default_uri

    cluster = None if address == "local" else address
    found = examination.examine(home, tracking_uri or default_uri(home), cluster)
    raise typer.Exit(examination.report(found, make_console(), json))
