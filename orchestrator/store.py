"""The home folder: every path in one place, and the trials' durable records.

<home>/mlflow.db, mlartifacts/          MLflow's default store
<home>/datasets/                        torchvision's downloads
<home>/evaluators/<data>.pt             classifiers that quality is measured with
<home>/sweeps/<sweep>/sweep.json        the trials of the sweep as last asked for
                      sweep.yaml        the file that asked for them
                      mirror.json       where MLflow holds it
                      lock              held while a command runs the sweep
                      report/               report.html, report.md and its pictures, trials.csv, effects.csv,
                                            histories.parquet
                      trials/<key>/     record.json config.json history.jsonl checkpoint.pt generator.pt
                                        generator-best.pt real.png samples/step-000100.png lock
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gan_core.files import write_atomically
from orchestrator.errors import UserError


def write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The file's content, or None if there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


@dataclass
class Record:
    """What is known of a trial. `step`: the steps that its checkpoint and history hold.

    status: pending, running, finished, failed or interrupted. verdict: gan_core.stability's, as a mapping.
    applied: what training really ran with. evaluator: the card of what measured it. best: the evaluation with the
    smallest Frechet distance, with its step. attempts: {began, ended, from_step, to_step, host, process,
    outcome} of each.
    """

    key: str
    status: str = "pending"
    step: int = 0
    verdict: dict[str, Any] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    applied: dict[str, Any] = field(default_factory=dict)
    evaluator: dict[str, Any] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)


class TrialFolder:
    """The files of one trial. One process at a time writes them: the one that holds `lock`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = folder.name
        self.record_file = folder / "record.json"
        self.config_file = folder / "config.json"
        self.history_file = folder / "history.jsonl"
        self.checkpoint_file = folder / "checkpoint.pt"
        self.generator_file = folder / "generator.pt"
        self.best_file = folder / "generator-best.pt"
        self.real_file = folder / "real.png"
        self.samples = folder / "samples"
        self.lock_file = folder / "lock"

    def sample_file(self, step: int) -> Path:
        return self.samples / f"step-{step:06d}.png"

    def sample_files(self) -> list[tuple[int, Path]]:
        """(step, file) of every sample grid, in order."""
        return sorted((int(file.stem.removeprefix("step-")), file) for file in self.samples.glob("step-*.png"))

    def record(self) -> Record:
        found = read_json(self.record_file)
        return Record(**found) if found else Record(self.key)

    def write_record(self, record: Record) -> None:
        write_json(self.record_file, asdict(record))

    def history(self, up_to: int | None = None) -> list[dict[str, float]]:
        """The rows up to a step; a last line that a crash cut off is left out.

        Up to step 0 there are none: no checkpoint vouches for the evaluation of the untrained generator.
        """
        try:
            lines = self.history_file.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        rows = [json.loads(line) for line in lines if line.endswith("\n")] if up_to != 0 else []
        return rows if up_to is None else [row for row in rows if row["step"] <= up_to]

    def append_history(self, rows: list[dict[str, float]]) -> None:
        with open(self.history_file, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, allow_nan=False) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())

    def truncate(self, step: int) -> None:
        """Forgets rows and pictures past `step`, which no checkpoint holds."""
        rows = self.history(up_to=step)
        write_text(self.history_file, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))
        for past, file in self.sample_files():
            if past > step:
                file.unlink()


class SweepFolder:
    """The files of one sweep."""

    def __init__(self, home: Path, name: str):
        self.home = home.absolute()
        self.folder = self.home / "sweeps" / name
        self.name = name
        self.sweep_file = self.folder / "sweep.json"
        self.asked_file = self.folder / "sweep.yaml"
        self.mirror_file = self.folder / "mirror.json"
        self.lock_file = self.folder / "lock"
        self.holder_file = self.folder / "holder.json"
        self.report_folder = self.folder / "report"
        self.report_file = self.report_folder / "report.html"
        self.id_file = self.folder / "id"

    def trial(self, key: str) -> TrialFolder:
        return TrialFolder(self.folder / "trials" / key)

    def identity(self) -> str:
        """An id of this folder, made when it is first asked for: another home's sweep of the same name has another."""
        if not self.id_file.exists():
            write_text(self.id_file, uuid.uuid4().hex)
        return self.id_file.read_text()

    def sweep(self) -> dict[str, Any]:
        """The sweep as last asked for: {name, question, trials: [...], ...}. Raises UserError if there is none."""
        found = read_json(self.sweep_file)
        if found is None:
            raise UserError(f"no sweep {self.name!r} in {self.folder.parent.parent}{_known(self.folder.parent)}")
        return found


def _known(folder: Path) -> str:
    names = sorted(entry.parent.name for entry in folder.glob("*/sweep.json"))
    return f"; there is {', '.join(names)}" if names else "; run `orchestrate sweep FILE` first"


def sweeps(home: Path) -> list[SweepFolder]:
    """Every sweep of a home folder, by name."""
    return [SweepFolder(home, file.parent.name) for file in sorted(home.glob("sweeps/*/sweep.json"))]
