"""The numbers behind the page, for other programs: trials.csv, effects.csv, histories.parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_core.files import write_atomically
from orchestrator.escaping import escape_csv_cell
from orchestrator.formatting import format_level
from orchestrator.report.analysis import Analysis
from orchestrator.report.data import SweepData
from orchestrator.statistics.effects import Effect


def write(data: SweepData, analysis: Analysis, folder: Path) -> None:
    """Each file whole or not at all. Raises OSError."""
    write_atomically(folder / "trials.csv", _csv(trials(data)))
    write_atomically(folder / "effects.csv", _csv(effects(analysis)))
    write_atomically(folder / "histories.parquet", histories(data).to_parquet(index=False))


def _csv(table: pd.DataFrame) -> bytes:
    return table.rename(columns=escape_csv_cell).map(escape_csv_cell).to_csv(index=False).encode()


def trials(data: SweepData) -> pd.DataFrame:
    """A row a trial: what it is, what became of it, its factors by path, its last metrics by name."""
    return pd.DataFrame(
        {
            "trial": run.name,
            "key": run.key,
            "group": run.group,
            "configuration": run.configuration,
            "seed": run.seed,
            "status": run.status,
            "verdict": run.verdict,
            "since_step": run.since,
            "reason": run.reason,
            "mlflow_run": run.run_id,
            **{path: format_level(level) for path, level in run.factors.items()},
            **run.latest,
        }
        for run in data.runs
    )


def histories(data: SweepData) -> pd.DataFrame:
    """A row a point: trial (its name), metric, step, value."""
    parts: list[pd.DataFrame] = []
    names = pd.CategoricalDtype([run.name for run in data.runs])
    metrics = pd.CategoricalDtype(list(dict.fromkeys(metric for run in data.runs for metric in run.history)))
    for run in data.runs:
        for metric, (steps, values) in run.history.items():
            trial = pd.Categorical.from_codes(np.full(len(steps), names.categories.get_loc(run.name)), dtype=names)
            name = pd.Categorical.from_codes(np.full(len(steps), metrics.categories.get_loc(metric)), dtype=metrics)
            parts.append(pd.DataFrame({"trial": trial, "metric": name, "step": steps, "value": values}))
    if not parts:
        return pd.DataFrame({"trial": [], "metric": [], "step": [], "value": []})
    return pd.concat(parts, ignore_index=True)


def effects(analysis: Analysis) -> pd.DataFrame:
    """A row an effect: the change of the share of stable runs (as a share) and of the Frechet distance."""
    return pd.DataFrame([_effect(effect) for effect in analysis.effects], columns=list(_effect(None)))


def _effect(effect: Effect | None) -> dict[str, Any]:
    """The row of an effect; that of None has the names of the columns."""
    row: dict[str, Any] = {
        "group": effect and effect.group,
        "factor": effect and effect.factor,
        "along": effect and " ".join(effect.along),
        "before": effect and format_level(effect.before),
        "after": effect and format_level(effect.after),
        "pairs": effect and effect.pairs,
        "seeds": effect and effect.seeds,
    }
    for name, found, holds in (
        ("stable", effect and effect.stable, effect and effect.stable_holds),
        ("frechet", effect and effect.quality, effect and effect.quality_holds),
    ):
        row |= {
            f"{name}_change": found and found.mean,
            f"{name}_low": found and found.low,
            f"{name}_high": found and found.high,
            f"{name}_p": found and found.p,
            f"{name}_holds": holds if found else None,
        }
    return {**row, "frechet_pairs": effect and effect.quality_pairs, "better": effect and effect.better}
