"""The folder of a sweep in a home: the path of every file.

This is the map of a home folder; an indented name lies in the folder above it:

<home>/mlflow.db, mlartifacts/     MLflow's default store
<home>/datasets/                   downloads of torchvision
<home>/evaluators/<data>.pt        classifiers that measure quality; `lock` beside them while one is trained
<home>/evaluators/<id>.pt          evaluators, with the features of the real images
<home>/kernels/<processor>.json    which of a layer's operations are fast; `lock` beside them while one is measured
<home>/train/<key>/                a trial of `orchestrate train`: the files of a trial, as below
<home>/sweeps/<sweep>/
    sweep.json                     the trials of the sweep, as it was last planned
    sweep.yaml                     a copy of the sweep file
    mirror.json                    where MLflow holds the sweep: its address and the ids of the runs
    id                             an id of this folder, which MLflow's parent run carries
    lock, holder.json              held while a command runs the sweep; which command took the lock last
    output.log                     what `orchestrate sweep --detach` or `--slurm` printed; output-1.log, ... of parts
    slurm.json, slurm-<job>.log    the last job of `--slurm`; what Slurm and Ray said in it
    ray_token                      the token of the Ray that a job on several nodes starts
    parts.json, part-1.lock, ...   of `--part`: how the sweep is divided; held while a command trains this part
    part-1.json, ...               which command has trained it last
    prepare.lock                   held while one of these commands prepares the sweep
    storage                        the address of the object store that the trials live in, if they do not live here
    report/                        report.html, report.md, map.png, effects.png, survival.png, curves.png,
                                   samples.png, trials.csv, effects.csv, histories.parquet
    report-1/, report-2/, ...      reports that were kept when trials left the sweep
    trials/<key>/
        record.json                status, verdict, metrics and attempts, see `Record`
        config.json                the configuration
        history.jsonl              the measurements, a row per line
        checkpoint.pt              the newest checkpoint
        checkpoint-previous.pt     the one before, until the trial has ended
        checkpoint-damaged.pt      a checkpoint that was found damaged, until the trial has ended
        generator.pt               the generator after the last step
        generator-best.pt          the generator of the best evaluation
        real.png, samples/step-000100.png
        lock                       held while a process trains the trial
"""

from __future__ import annotations

import itertools
import os
import uuid
from pathlib import Path
from typing import cast

from orchestrator.errors import UserError, cannot_be_written, short_repr
from orchestrator.formatting import FOLDER_NAME_RULE, is_folder_name
from orchestrator.store.json_files import DamagedFile, read_with_checksum, write_text
from orchestrator.store.sweep_document import SweepDocument
from orchestrator.store.trial_folder import TrialFolder


def make_home(home: Path) -> None:
    """Makes the home folder, for its owner alone. An existing one keeps its mode. Raises UserError."""
    try:
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise cannot_be_written(home, error) from None


class SweepFolder:
    """The files of one sweep. Raises UserError for a name that could lead out of the home folder."""

    def __init__(self, home: Path, name: str):
        if not is_folder_name(name):
            raise UserError(f"{short_repr(name)} is not the name of a sweep; {FOLDER_NAME_RULE}")
        self.home = home.absolute()
        self.folder = self.home / "sweeps" / name
        self.name = name
        self.sweep_file = self.folder / "sweep.json"
        self.source_file = self.folder / "sweep.yaml"
        self.mirror_file = self.folder / "mirror.json"
        self.lock_file = self.folder / "lock"
        self.holder_file = self.folder / "holder.json"
        self.output_file = self.folder / "output.log"
        self.report_folder = self.folder / "report"
        self.report_file = self.report_folder / "report.html"
        self.id_file = self.folder / "id"
        self.storage_file = self.folder / "storage"
        self.parts_file = self.folder / "parts.json"
        self.slurm_file = self.folder / "slurm.json"
        self.ray_token_file = self.folder / "ray_token"

    def trial(self, key: str) -> TrialFolder:
        return TrialFolder(self.folder / "trials" / key)

    def begun_keys(self) -> set[str]:
        """The keys of the trials that have a folder. One listing is faster than a look for each of many trials."""
        try:
            return set(os.listdir(self.folder / "trials"))
        except FileNotFoundError:
            return set()

    def part_lock(self, number: int) -> Path:
        return self.folder / f"part-{number}.lock"

    def part_locks(self) -> dict[int, Path]:
        """Number of a part -> its lock, of all that were ever trained."""
        files = {file: file.stem.partition("-")[2] for file in self.folder.glob("part-*.lock")}
        return {int(number): file for file, number in files.items() if number.isdecimal()}

    def part_holder_file(self, number: int) -> Path:
        return self.folder / f"part-{number}.json"

    def next_kept_report(self) -> Path:
        """Where a report goes that the next one must not overwrite: the first such folder that does not exist."""
        return next(path for n in itertools.count(1) if not (path := self.folder / f"report-{n}").exists())

    def folder_id(self) -> str:
        """An id of this folder, made by the first call. A sweep of the same name in another home has another id."""
        if not self.id_file.exists():
            write_text(self.id_file, uuid.uuid4().hex)
        return self.id_file.read_text()

    def storage_uri(self) -> str | None:
        """The address of the object store that the trials live in, or None if they live in this folder."""
        try:
            return self.storage_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def document(self) -> SweepDocument:
        """The content of `sweep.json`. Raises UserError if there is none, DamagedFile if it is damaged."""
        try:
            content = read_with_checksum(self.sweep_file)
        except DamagedFile as error:
            raise DamagedFile(f"{error}; `orchestrate sweep FILE` writes it again") from None
        if content is None:
            raise UserError(f"no sweep {self.name!r} in {self.folder.parent.parent}{_existing_sweeps(self.home)}")
        return cast(SweepDocument, content)


def _existing_sweeps(home: Path) -> str:
    names = [folder.name for folder in sweep_folders(home)]
    return f"; there is {', '.join(names)}" if names else "; run `orchestrate sweep FILE` first"


def sweep_folders(home: Path) -> list[SweepFolder]:
    """Every sweep of a home folder, by name."""
    names = [file.parent.name for file in sorted(home.glob("sweeps/*/sweep.json"))]
    return [SweepFolder(home, name) for name in names if is_folder_name(name)]
