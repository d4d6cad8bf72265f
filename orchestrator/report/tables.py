"""The numbers behind the page, for other programs: trials.csv, effects.csv, drawn.csv, histories.parquet."""

from __future__ import annotations

from math import exp
from pathlib import Path

import numpy as np
import pandas as pd

from gan_core.files import write_atomically
from orchestrator.escaping import escape_csv_cell
from orchestrator.formatting import format_level
from orchestrator.report.artifact_schemas import LoggedComparison
from orchestrator.report.content import ReportContent
from orchestrator.report.data import SweepData
from orchestrator.report.trial_settings import settings_of
from orchestrator.space import Choice
from orchestrator.statistics.effects import Effect
from orchestrator.statistics.intervals import Change
from orchestrator.statistics.sampled_effects import SampledEffect
from orchestrator.statistics.trial_settings import Settings, differing_settings

EFFECT_COLUMNS = [
    *("group", "factor", "along", "before", "after", "pairs", "seeds"),
    *("stable_change", "stable_low", "stable_high", "stable_p", "stable_holds", "seeds_to_show"),
    *("better_images", "better_low", "better_high", "better_p", "images_hold"),
    *("frechet_ratio", "frechet_low", "frechet_high", "frechet_p", "frechet_pairs"),
]


def write(content: ReportContent, folder: Path) -> None:
    """Write the tables, each file whole or not at all. Raises OSError."""
    write_atomically(folder / "trials.csv", _csv(trials(content.data)))
    write_atomically(folder / "effects.csv", _csv(effects(content)))
    if content.analysis.drawn:
        write_atomically(folder / "drawn.csv", _csv(drawn(content)))
    else:
        (folder / "drawn.csv").unlink(missing_ok=True)
    write_atomically(folder / "histories.parquet", histories(content.data).to_parquet(index=False))


def _csv(table: pd.DataFrame) -> bytes:
    return table.rename(columns=escape_csv_cell).map(escape_csv_cell).to_csv(index=False).encode()


def trials(data: SweepData) -> pd.DataFrame:
    """A row for each trial: its names, its verdict, its settings by path where trials differ, its metrics by name."""
    each = settings_of(data.runs)
    swept = [path for run in data.runs for path in run.factors]
    paths = list(dict.fromkeys([*swept, *differing_settings(each)]))
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
            **_levels({**settings, **run.factors}, paths),
            **run.latest,
        }
        for run, settings in zip(data.runs, each, strict=True)
    )


def _levels(settings: Settings, paths: list[str]) -> dict[str, str]:
    return {path: format_level(settings[path]) for path in paths if path in settings}


def histories(data: SweepData) -> pd.DataFrame:
    """A row for each point: name of the trial, metric, step, value."""
    names = {name: number for number, name in enumerate(dict.fromkeys(run.name for run in data.runs))}
    metrics = {name: number for number, name in enumerate(dict.fromkeys(m for run in data.runs for m in run.history))}
    curves = [(names[run.name], metrics[metric], curve) for run in data.runs for metric, curve in run.history.items()]
    if not curves:
        return pd.DataFrame({"trial": [], "metric": [], "step": [], "value": []})
    lengths = [len(steps) for _, _, (steps, _) in curves]
    trial_codes, metric_codes = (np.repeat([curve[part] for curve in curves], lengths) for part in (0, 1))
    return pd.DataFrame(
        {
            "trial": pd.Categorical.from_codes(trial_codes, categories=pd.Index(list(names))),
            "metric": pd.Categorical.from_codes(metric_codes, categories=pd.Index(list(metrics))),
            "step": np.concatenate([steps for _, _, (steps, _) in curves]),
            "value": np.concatenate([values for _, _, (_, values) in curves]),
        }
    )


def effects(content: ReportContent) -> pd.DataFrame:
    """A row for each effect: the change of the share of stable runs, the share of pairs whose second run has the better
    images, and the ratio of the Frechet distances of runs that drew.

    Of a sweep that trains until its question is answered: a row for each comparison and outcome, as of its last look.
    """
    if content.data.answer:
        return pd.DataFrame([_answered(compared) for compared in content.data.answer.comparisons])
    return pd.DataFrame([_effect(effect) for effect in content.analysis.effects], columns=EFFECT_COLUMNS)


def drawn(content: ReportContent) -> pd.DataFrame:
    """A row for each place of the curve of each drawn setting on each outcome: the share of stable runs, or the Frechet
    distance relative to its average over the range. low, high: its 95% band, if it has one.
    """
    return pd.DataFrame(
        [
            {
                "group": effect.group,
                "setting": effect.dimension.path,
                "outcome": effect.outcome,
                "value": format_level(place) if isinstance(effect.dimension, Choice) else place,
                **_estimate(effect, number),
                "points": effect.points,
                "seeds": effect.seeds,
                "runs": effect.runs,
                "explained": effect.explained,
                "chance": effect.chance,
                "p": effect.p,
                "holds": effect.holds,
            }
            for effect in content.analysis.drawn
            if effect.curve
            for number, place in enumerate(effect.places)
        ]
    )


def _estimate(effect: SampledEffect, number: int) -> dict[str, float | None]:
    assert effect.curve
    values = [float(each[number]) for each in effect.curve]
    middle, low, high = map(exp, values) if effect.outcome == "frechet" else values
    return {"middle": middle, "low": low if effect.has_band else None, "high": high if effect.has_band else None}


def _answered(compared: LoggedComparison) -> dict[str, object]:
    """Of quality the change is the logarithm of the ratio of Frechet distances; of stable runs, their share."""
    seeds, change, low, high = compared.looks[-1] if compared.looks else (0, None, None, None)
    identity = {name: getattr(compared, name) for name in ("group", "factor", "before", "after", "outcome", "state")}
    return {**identity, "seeds": seeds, "change": change, "low": low, "high": high, "seeds_needed": compared.takes}


def _effect(effect: Effect) -> list[object]:
    """The values of EFFECT_COLUMNS."""
    identity = [effect.group, effect.factor, " ".join(effect.along)]
    levels = [format_level(effect.before), format_level(effect.after)]
    stable = [*_change(effect.stable), effect.stable_holds, effect.seeds_to_show]
    wins = [*_change(effect.wins), effect.images_hold]
    frechet = [*_change(effect.ratio), effect.ratio_pairs]
    return [*identity, *levels, effect.pairs, effect.seeds, *stable, *wins, *frechet]


def _change(change: Change | None) -> list[float | None]:
    return [change.mean, change.low, change.high, change.p] if change else [None] * 4
