"""The command line: one short function a command. What is heavy is imported inside, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestrator import __version__
from orchestrator.errors import UserError

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

File = Annotated[Path, typer.Argument(metavar="FILE", help="A sweep file, such as experiments/stability.yaml.")]
SweepName = Annotated[str, typer.Argument(metavar="SWEEP", help="The name of a sweep: `sweep:` in its file.")]
Home = Annotated[
    Path,
    typer.Option(envvar="ORCHESTRATE_HOME", help="Folder of sweeps, data sets and MLflow's default store."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a value of the file, as often as needed: trial.steps=100, seeds=[0,1,2], "
        "groups.dcgan.grid.optimizer.lr=[1e-4].",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        envvar="MLFLOW_TRACKING_URI", show_default="sqlite:///HOME/mlflow.db", help="Where MLflow keeps the runs."
    ),
]
HOME = Path("runs")


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
    workers: Annotated[
        int | None, typer.Option(min=1, show_default="one a processor", help="Trials that run at once on a local Ray.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(envvar="RAY_ADDRESS", show_default="a local Ray", help="A Ray cluster: HOST:PORT or auto."),
    ] = None,
    gpu_share: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Part of a GPU that each trial gets, where there are GPUs.")
    ] = 0.25,
    tracking_uri: TrackingUri = None,
    register: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Register the best configuration's generator in MLflow under this name."),
    ] = None,
    system_metrics: Annotated[
        bool, typer.Option("--system-metrics", help="Record processor, memory and GPU while trials train.")
    ] = False,
) -> None:
    """Run a sweep, or go on with it, then write the report.

    Finished trials are not repeated, interrupted ones resume from their checkpoints. Ctrl-C saves every running
    trial and leaves. Exit codes: 0 every trial has a verdict (a diverged GAN is a verdict), 1 some trial failed for
    another cause, 2 the request is wrong and nothing was started, 130 interrupted.
    """
    from orchestrator import addresses, sweeping

    uri = tracking_uri or addresses.default_uri(home)
    where = None if address == "local" else address
    options = sweeping.Options(home, uri, where, workers, gpu_share, register, system_metrics)
    raise typer.Exit(sweeping.run_sweep(file, set_ or [], options, _console()))


@app.command()
def plan(file: File, set_: Set = None, home: Home = HOME, json: Json = False) -> None:
    """Show what a sweep would run and what is already there; runs nothing."""
    from orchestrator import plan as planning
    from orchestrator import spec, status

    found = planning.make_plan(spec.load(file, set_), home)
    rows = status.rows_of_plan(found)
    if json:
        status.print_json({"sweep": found.sweep.name, "trials": rows})
    else:
        status.print_plan(found, _console())


@app.command()
def status(
    sweep: Annotated[str | None, typer.Argument(metavar="[SWEEP]", help="A sweep; all of them if left out.")] = None,
    home: Home = HOME,
    json: Json = False,
) -> None:
    """Show where a sweep stands, trial by trial."""
    from orchestrator import status as standing

    if sweep is None:
        standing.print_sweeps(home, _console(), json)
    else:
        standing.print_sweep(home, sweep, _console(), json)


@app.command()
def report(
    sweep: SweepName,
    home: Home = HOME,
    output: Annotated[
        Path | None, typer.Option(show_default="the sweep's folder", help="Folder to write report.html into.")
    ] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Write the comparison again, from MLflow alone: it can be made on any machine that reaches it."""
    from orchestrator import addresses
    from orchestrator import report as reporting
    from orchestrator.store import SweepFolder

    uri = tracking_uri or addresses.default_uri(home)
    addresses.check_uri(uri)
    file = (output / "report.html") if output else SweepFolder(home, sweep).report_file
    answer, written = reporting.write(uri, sweep, file)
    print(f"{answer}\nreport  {written}")


@app.command()
def ui(
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open MLflow's UI on this store, on this machine only (127.0.0.1)."""
    from orchestrator import addresses

    uri = tracking_uri or addresses.default_uri(home)
    if uri.startswith("http"):
        print(f"MLflow already serves these runs at {addresses.without_secrets(uri)}")
        raise typer.Exit
    addresses.check_free(port)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    print(f"MLflow on http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
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
    """
    from orchestrator import single

    raise typer.Exit(single.train(file, trial, set_ or [], home, _console()))


def _console() -> Console:
    """Standard output; wide where nobody looks at it, so that no table is cut off in a log."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def main() -> None:
    """The console script: a user's mistake ends in clear lines and exit code 2."""
    try:
        app()
    except UserError as error:
        print(error, file=sys.stderr)
        code: object = 2
    except SystemExit as done:
        code = done.code
    else:
        code = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # unloading torch and Ray would take 2 seconds
