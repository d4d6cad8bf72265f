"""The folder of a sweep in a home: every path in one place.

<home>/mlflow.db, mlartifacts/          MLflow's default store
<home>/datasets/                        torchvision's downloads
<home>/evaluators/<data>.pt             classifiers that quality is measured with
<home>/sweeps/<sweep>/sweep.json        the trials of the sweep as last asked for
                      sweep.yaml        the file that asked for them
                      mirror.json       where MLflow holds it
                      lock              held while a command runs the sweep
                      storage           the address where its trials live, if that is not here
                      report/               report.html, report.md and its pictures, trials.csv, effects.csv,
                                            histories.parquet
                      trials/<key>/     record.json config.json history.jsonl checkpoint.pt checkpoint-previous.pt
                                        generator.pt generator-best.pt real.png samples/step-000100.png lock
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import UserError, short_repr
from orchestrator.formatting import FOLDER_NAME_RULE, is_folder_name

if TYPE_CHECKING:
    pass
from typing import cast

from orchestrator.store.json_files import Damaged, read_checked, write_text
from orchestrator.store.sweep_document import SweepDocument
from orchestrator.store.trial_folder import TrialFolder


def make_home(home: Path) -> None:
    """Makes the home folder, for its owner alone; one that is there keeps the mode that its owner gave it."""
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)


class SweepFolder:
    """The files of one sweep. Raises UserError for a name that could lead out of the home folder."""

    def __init__(self, home: Path, name: str):
        if not is_folder_name(name):
            raise UserError(f"{short_repr(name)} is not the name of a sweep; {FOLDER_NAME_RULE}")
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
        self.storage_file = self.folder / "storage"

    def trial(self, key: str) -> TrialFolder:
        return TrialFolder(self.folder / "trials" / key)

    def begun(self) -> set[str]:
        """The keys that have a folder: one listing, where asking each of many trials takes as many looks."""
        try:
            return set(os.listdir(self.folder / "trials"))
        except FileNotFoundError:
            return set()

    def identity(self) -> str:
        """An id of this folder, made when it is first asked for: another home's sweep of the same name has another."""
        if not self.id_file.exists():
            write_text(self.id_file, uuid.uuid4().hex)
        return self.id_file.read_text()

    def storage_uri(self) -> str | None:
        """The address of the object store that its trials live in; None where they live here."""
        try:
            return self.storage_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def sweep(self) -> SweepDocument:
        """The sweep as last asked for: Raises UserError if there is none."""
        try:
            found = read_checked(self.sweep_file)
        except Damaged as error:
            raise Damaged(f"{error}; `orchestrate sweep FILE` writes it again") from None
        if found is None:
            raise UserError(f"no sweep {self.name!r} in {self.folder.parent.parent}{_known(self.folder.parent)}")
        return cast(SweepDocument, found)


def _known(folder: Path) -> str:
    names = sorted(entry.parent.name for entry in folder.glob("*/sweep.json"))
    return f"; there is {', '.join(names)}" if names else "; run `orchestrate sweep FILE` first"


def sweeps(home: Path) -> list[SweepFolder]:
    """Every sweep of a home folder, by name."""
    found = [file.parent.name for file in sorted(home.glob("sweeps/*/sweep.json"))]
    return [SweepFolder(home, name) for name in found if is_folder_name(name)]
