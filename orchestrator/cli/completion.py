"""What a shell offers after Tab: the sweeps of the home folder, and the trials of a sweep with their names."""

from __future__ import annotations

from pathlib import Path

import typer


def complete_sweep(context: typer.Context, incomplete: str) -> list[str]:
    """The names of sweeps that begin with what was typed."""
    from orchestrator.store.sweep_folder import sweep_folders

    names = [folder.name for folder in sweep_folders(_home(context))]
    return [name for name in names if name.startswith(incomplete)]


def complete_trial(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """(short key, name) of the sweep's trials whose key begins with what was typed; [] without such a sweep."""
    from orchestrator.errors import UserError
    from orchestrator.formatting import short_key
    from orchestrator.store.sweep_folder import SweepFolder

    try:
        trials = SweepFolder(_home(context), str(context.params.get("sweep"))).document()["trials"]
    except (UserError, OSError, ValueError):  # a shell has no place for the message
        return []
    pairs = [(short_key(trial["key"]), trial["name"]) for trial in trials]
    return [(key, name) for key, name in pairs if key.startswith(incomplete)]


def _home(context: typer.Context) -> Path:
    return Path(context.params.get("home") or "runs")
