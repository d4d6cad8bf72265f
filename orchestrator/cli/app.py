"""The command line: the commands in the order of `--help`, and the exit code of every kind of end.

The functions of the commands import heavy packages inside, so that `--help` is fast.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestrator.cli import manage, run, show
from orchestrator.commands import user_config
from orchestrator.console.closed_output import watch_output
from orchestrator.errors import ServiceError, UserError
from orchestrator.signals import (
    FINISHED,
    INTERRUPTED,
    INTERRUPTED_MESSAGE,
    SOME_FAILED,
    WRONG_REQUEST,
    Interrupted,
    flush_output,
)
from orchestrator.version import __version__

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


def _print_version(is_requested: bool) -> None:
    if is_requested:
        print(f"gan-orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    user_config.apply()


for command in (
    run.sweep,
    run.plan,
    show.status,
    show.report,
    show.watch,
    show.ui,
    run.train,
    show.sample,
    show.logs,
    manage.stop,
    manage.sync,
    manage.clean,
    manage.doctor,
    manage.config,
):
    app.command()(command)
app.command(name="map")(show.map_)
app.command(name="import")(manage.import_runs)
app.add_typer(manage.datasets_app, name="datasets")


def run_command(arguments: list[str] | None = None) -> int:
    """Run a command (default: of this process's arguments) and return its exit code.

    A user's mistake ends in clear lines on stderr and exit code 2, never in a traceback. Ctrl-C in a command that does
    not handle it itself is 130: from here, and from typer for what it runs.
    """
    try:
        _check_working_folder()
        app(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return WRONG_REQUEST
    except ServiceError as error:
        print(error, file=sys.stderr)
        return SOME_FAILED
    except Interrupted:
        print(INTERRUPTED_MESSAGE)
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return FINISHED


def _check_working_folder() -> None:
    """Raises UserError if the folder that the command was started in has been deleted: no relative path leads on."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UserError("the folder that you are in has been deleted; cd to another one") from None


def main() -> None:
    """The console script. It leaves without unloading torch and Ray, which would take 2 seconds."""
    watch_output()
    code = run_command()
    flush_output()
    os._exit(code)
