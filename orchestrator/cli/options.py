"""Arguments and options that several commands share."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completion import complete_sweep, complete_trial
from orchestrator.errors import UserError, short_repr

File = Annotated[Path, typer.Argument(metavar="FILE", help="A sweep file, such as experiments/stability.yaml.")]
SweepName = Annotated[
    str,
    typer.Argument(metavar="SWEEP", help="The name of a sweep: `sweep:` in its file.", autocompletion=complete_sweep),
]


def _check_home(home: Path) -> Path:
    """Raises UserError if there is no folder and none can be made."""
    try:
        if stat.S_ISDIR(os.stat(home).st_mode):  # Path.is_dir returns False for invalid paths, too
            return home
        cause = "it is not a folder"
    except FileNotFoundError:
        return home
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
    raise UserError(f"--home {short_repr(str(home))} (or $ORCHESTRATE_HOME) cannot be used: {cause}; give a folder")


Home = Annotated[
    Path,
    typer.Option(
        envvar="ORCHESTRATE_HOME", callback=_check_home, help="Folder of sweeps, data sets and MLflow's default store."
    ),
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
Storage = Annotated[
    str | None,
    typer.Option(
        envvar="ORCHESTRATE_STORAGE",
        metavar="s3://BUCKET/PREFIX",
        show_default="HOME",
        help="Where trials live if the nodes share no folder; HOME then holds a copy. Credentials come from "
        "AWS_ACCESS_KEY_ID or another source that AWS's tools read.",
    ),
]
HOME = Path("runs")
Workers = Annotated[
    int | None, typer.Option(min=1, show_default="one a processor", help="Trials that run at once on a local Ray.")
]
GpuShare = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        max=1.0,
        show_default="measured",
        help="Part of a GPU that each trial gets; it also limits its share of the memory.",
    ),
]
Trial = Annotated[
    str,
    typer.Argument(
        metavar="TRIAL",
        help="Its key or name in `orchestrate status SWEEP`, or its place there (1, 2, ...).",
        autocompletion=complete_trial,
    ),
]


def _run_on_cluster(context: typer.Context, address: str | None) -> str | None:
    """Run the whole command on a remote cluster and exit, if the address is one for clients outside of it."""
    from orchestrator.cluster import job_client, job_submission  # not at the top: `--help` does not need it

    if not job_client.is_outside(address) or context.resilient_parsing:
        return address
    raise typer.Exit(job_submission.run(sys.argv[1:], str(address)))


Address = Annotated[
    str | None,
    typer.Option(
        envvar="RAY_ADDRESS",
        show_default="a local Ray",
        callback=_run_on_cluster,
        is_eager=True,  # the cluster checks the other options
        help="A Ray cluster: auto or HOST:6379 on one of its machines; ray://HOST:10001 or http://HOST:8265 from "
        "outside: then the command runs on the cluster as a Ray job.",
    ),
]
RemoteAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="RAY_ADDRESS",
        callback=_run_on_cluster,
        is_eager=True,
        help="A Ray cluster; ray://HOST:10001 or http://HOST:8265 (from outside): run this command on it.",
    ),
]
