"""The finished runs of a sweep, as the page needs them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from gan_core.config.trial import TrialConfig
from gan_core.generator_file import from_generator_file
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

SWEEPS = ("original-dcgan", "original-dcgan-stabilised", "original-acgan", "original-wgan-gp")


@dataclass
class Run:
    """One trial of the sweep."""

    name: str
    group: str
    seed: int
    factors: dict[str, Any]
    config: TrialConfig
    record: Record
    folder: TrialFolder
    rows: list[dict[str, float]]

    @property
    def verdict(self) -> str:
        assert self.record.verdict
        return str(self.record.verdict["name"])

    def series(self, metric: str) -> tuple[list[float], list[float]]:
        """Steps and values; a metric of the evaluator by its plain name."""
        name = metric if any(metric in row for row in self.rows) else f"{metric}/{self.record.evaluator['id']}"
        return [row["step"] for row in self.rows if name in row], [row[name] for row in self.rows if name in row]

    def last(self, metric: str) -> float:
        values = self.series(metric)[1]
        return values[-1] if values else float("nan")

    def mean_up_to(self, metric: str, step: int, width: int = 100) -> float:
        """The mean of the `width` steps that end at `step`: what the report printed."""
        steps, values = self.series(metric)
        chosen = [value for end, value in zip(steps, values, strict=True) if step - width < end <= step]
        return fmean(chosen) if chosen else float("nan")

    def generator(self) -> Any:
        """The final generator, in eval mode; None for a run that diverged."""
        if not self.folder.generator_file.exists():
            return None
        return from_generator_file(self.folder.generator_file).generator


def load(home: Path, sweep: str) -> list[Run]:
    """Every run of the sweep; leaves with a message where one is not finished."""
    folder = SweepFolder(home, sweep)
    if not folder.sweep_file.exists():
        sys.exit(
            f"{folder.sweep_file} is missing: run experiments/original/{sweep.removeprefix('original-')}.yaml first"
        )
    runs = []
    for trial in folder.document()["trials"]:
        trial_folder = folder.trial(trial["key"])
        record = trial_folder.record()
        if record.status != TrialStatus.FINISHED:
            sys.exit(f"{sweep}: {trial['name']} is {record.status}; run the sweep to its end first")
        config = TrialConfig.model_validate_json(trial_folder.config_file.read_text())
        runs.append(
            Run(
                trial["name"],
                trial["group"],
                trial["seed"],
                trial["factors"],
                config,
                record,
                trial_folder,
                trial_folder.history(),
            )
        )
    return runs


def of(runs: list[Run], group: str) -> list[Run]:
    return [run for run in runs if run.group == group]


def groups(runs: list[Run]) -> list[str]:
    """In the order of the sweep file: as built first."""
    return list(dict.fromkeys(run.group for run in runs))
