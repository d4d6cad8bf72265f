"""The functions behind `orch.sweep`, `orch.load`, `orch.plan` and `orch.compare`: the commands, for programs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.api import sweep_source
from orchestrator.api.results import SweepResults
from orchestrator.command_hints import default_home
from orchestrator.commands import user_config
from orchestrator.errors import UserError
from orchestrator.tracking.address import default_uri

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    source: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    home: str | Path | None = None,
    tracking_uri: str | None = None,
    **options: Any,
) -> SweepResults:
    """Run a sweep, or go on with it, up to its report: what `orchestrate sweep` does. It blocks, and shows progress.

    source: a sweep file, or its content as a mapping; paths in a mapping are relative to the current folder.
    overrides: path of a setting -> value, such as {"trial.steps": 100}.
    home: the folder of sweeps; None: $ORCHESTRATE_HOME, else `runs`. tracking_uri: MLflow; None: as for the command.
    options: `workers`, `address`, `device`, `gpu_share`, `confirm`, `register`, `system_metrics`, `quiet`,
    `fail_fast`, `patience` (seconds), `storage`; see `orchestrate sweep --help`.

    A diverged or collapsed GAN is a result. A trial that fails for another cause has the status `failed` in `trials`.
    Raises UserError if the request is wrong (nothing was started then), KeyboardInterrupt after Ctrl-C: every running
    trial is saved, and the same call goes on from there. Also if the budget was spent before any trial ended.
    """
    from orchestrator.commands.sweep import run_sweep
    from orchestrator.commands.sweep_options import SweepOptions
    from orchestrator.console.output import make_console
    from orchestrator.planning.answer_words import plan_end_line
    from orchestrator.signals import INTERRUPTED

    if threading.current_thread() is not threading.main_thread():
        raise UserError("orch.sweep has to be called in the main thread, which gets Ctrl-C")
    folder, uri = _home(home), _uri(home, tracking_uri)
    if "part" in options:
        raise UserError("orch.sweep trains a whole sweep; parts are trained by `orchestrate sweep FILE --part 1/2`")
    try:
        chosen = SweepOptions(folder, uri, **options)
    except TypeError as error:
        raise UserError(f"orch.sweep: {error}; its options are those of SweepOptions") from None
    done = run_sweep(sweep_source.read(source, overrides, folder), chosen, make_console())
    if done.exit_code == INTERRUPTED:
        reason = done.stop_reason or plan_end_line(done.plan)
        raise KeyboardInterrupt(reason or "interrupted; the same call goes on from here")
    return SweepResults([done.plan.sweep.name], folder, uri)


def load(name: str, *, home: str | Path | None = None, tracking_uri: str | None = None) -> SweepResults:
    """The results of a sweep that has run, or that runs now. Needs neither Ray nor torch until images are asked for.

    Raises UserError if MLflow has no such sweep.
    """
    return SweepResults([name], _home(home), _uri(home, tracking_uri))


def compare(names: Sequence[str], *, home: str | Path | None = None, tracking_uri: str | None = None) -> SweepResults:
    """Several sweeps as one: each result once, with the sweep's name before that of its group. Raises UserError."""
    if isinstance(names, str) or len(set(names)) < 2 or len(set(names)) < len(names):
        raise UserError("orch.compare: give the names of two sweeps or more, each once, such as ['before', 'after']")
    return SweepResults(list(names), _home(home), _uri(home, tracking_uri))


def plan(
    source: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    home: str | Path | None = None,
) -> pd.DataFrame:
    """The trials that a sweep would train next, and those that it has: a row each, as `orchestrate plan` shows them.

    Trains nothing. `attrs["expected_seconds"]` is how long it would take; None if nothing was measured on this kind of
    processor. `attrs["to_choose"]`: how many trials a map or a search will choose beside these. Raises UserError if the
    sweep is wrong.
    """
    import pandas as pd

    from orchestrator.commands.plan import PlanRequest, make_preview
    from orchestrator.commands.trial_rows import rows_of_plan

    folder = _home(home)
    preview = make_preview(PlanRequest(sweep_source.read(source, overrides, folder), folder), print)
    trials, forecast = preview.plan.trials, preview.forecast
    frame = pd.DataFrame(
        {
            "key": row["key"],
            "trial": row["name"],
            "status": row["status"],
            "steps_left": planned.remaining,
            **planned.trial.factors,
        }
        for row, planned in zip(rows_of_plan(preview.plan), trials, strict=True)
    )
    frame.attrs["expected_seconds"] = forecast.seconds if forecast else None
    frame.attrs["to_choose"] = len(preview.plan.expected)
    return frame


def _home(home: str | Path | None) -> Path:
    user_config.apply()
    return default_home() if home is None else Path(home)


def _uri(home: str | Path | None, tracking_uri: str | None) -> str:
    return tracking_uri or default_uri(_home(home))
