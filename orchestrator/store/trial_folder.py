"""The home folder: every path in one place, and the trials' durable records.

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

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.files import remove_temporary, write_atomically
from orchestrator.errors import UserError, shown
from orchestrator.formatting import FOLDER_NAME, is_folder_name
from orchestrator.store import history_log

if TYPE_CHECKING:
    from gan_core.history import Row


class Damaged(UserError):
    """A file is not what was written."""


def write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The file's content, or None if there is no such file, or one that is cut off."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_checked(path: Path, value: dict[str, Any]) -> None:
    """Writes a mapping with a checksum over the rest of it."""
    write_json(path, {**value, "checksum": _checksum(value)})


def read_checked(path: Path) -> dict[str, Any] | None:
    """What `write_checked` wrote, or None if there is no such file. Raises Damaged.

    Files from before there were checksums have none and are taken as they are.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise Damaged(f"{path} is damaged: it is not whole JSON") from None
    if not isinstance(found, dict) or found.pop("checksum", None) not in (None, _checksum(found)):
        raise Damaged(f"{path} is damaged: its checksum does not match")
    return found


def _checksum(value: dict[str, Any]) -> str:
    """Over the canonical JSON: what reading and writing again leaves as it is."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def make_home(home: Path) -> None:
    """Makes the home folder, for its owner alone; one that is there keeps the mode that its owner gave it."""
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)


@dataclass
class Record:
    """What is known of a trial. `step`: the steps that its checkpoint and history hold.

    status: pending, running, finished, failed or interrupted; `damaged` if the file cannot be trusted, and then nothing
    else is known but `error`. verdict: gan_core.verdict's, as a mapping.
    applied: what training really ran with. evaluator: the card of what measured it. best: the evaluation with the
    smallest Frechet distance, with its step. attempts: {began, ended, from_step, to_step, host, process, device,
    outcome, message} of each, and a `note` where something was damaged, or the kind of device has changed; the outcome
    is running, finished, interrupted, or a `failures.Cause` with what was said of it. history: what history.jsonl is
    checked by.
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
    history: dict[str, Any] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What was damaged, or changed, and what was done about it, in the last attempt."""
        return str(self.attempts[-1].get("note", "")) if self.attempts else ""

    @property
    def device(self) -> str:
        """What its steps were trained on: `cpu`, or `cuda and cpu` where it went on on another kind of device."""
        follow = [*(attempt["from_step"] for attempt in self.attempts[1:]), float("inf")]
        kept = [one for one, next_from in zip(self.attempts, follow, strict=False) if next_from > one["from_step"]]
        kinds = list(dict.fromkeys(one["device"] for one in kept if "device" in one))
        return " and ".join(kinds) if len(kinds) > 1 else str(self.applied.get("device", ""))


class TrialFolder:
    """The files of one trial. One process at a time writes them: the one that holds `lock`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = folder.name
        self.record_file = folder / "record.json"
        self.config_file = folder / "config.json"
        self.history_file = folder / "history.jsonl"
        self.checkpoint_file = folder / "checkpoint.pt"
        self.previous_file = folder / "checkpoint-previous.pt"
        self.damaged_file = folder / "checkpoint-damaged.pt"
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
        """Of status `damaged` where the file is cut off or altered: `sweep` makes it anew from the checkpoint."""
        try:
            found = read_checked(self.record_file)
            return Record(**found) if found else Record(self.key)
        except (Damaged, TypeError) as error:
            why = str(error) if isinstance(error, Damaged) else f"{self.record_file} is damaged: it has other fields"
            return Record(self.key, status="damaged", error=why)

    def write_record(self, record: Record) -> None:
        write_checked(self.record_file, asdict(record))

    def history(self, up_to: int | None = None) -> list[Row]:
        """The rows up to a step, by default all that the record vouches for. Raises Damaged.

        Up to step 0 there are none: no checkpoint vouches for the evaluation of the untrained generator.
        """
        record = self.record()
        last = record.step if up_to is None else up_to
        return [row for row in self.written(record) if row["step"] <= last] if last else []

    def has_checkpoint(self) -> bool:
        """Whether the trial would go on from one."""
        return self.checkpoint_file.exists()

    def written(self, record: Record) -> list[Row]:
        """What the record's process wrote, also past its step. Raises Damaged."""
        text = self._history_bytes()
        try:
            if record.history:
                if not history_log.is_whole(text, record.history):
                    raise ValueError
                text = text[: record.history["bytes"]]
            return history_log.parse(text)
        except ValueError:
            raise Damaged(
                f"{self.history_file} is damaged; the same `orchestrate sweep` writes it again from the checkpoint"
            ) from None

    def history_is_whole(self, record: Record) -> bool:
        """Whether the history is what the record vouches for, without reading what it says."""
        return not record.history or history_log.is_whole(self._history_bytes(), record.history)

    def _history_bytes(self) -> bytes:
        try:
            return self.history_file.read_bytes()
        except FileNotFoundError:
            return b""

    def forget_past(self, step: int) -> None:
        """Deletes pictures past `step`, which no checkpoint holds, and what killed processes left half-written."""
        for past, file in self.sample_files():
            if past > step:
                file.unlink()
        self._remove_temporary()

    def prune(self) -> None:
        """Deletes what a finished trial does not need to be judged again."""
        for file in (self.previous_file, self.damaged_file):
            file.unlink(missing_ok=True)
        self._remove_temporary()

    def _remove_temporary(self) -> None:
        for folder in (self.folder, self.samples):
            remove_temporary(folder)


class SweepFolder:
    """The files of one sweep. Raises UserError for a name that could lead out of the home folder."""

    def __init__(self, home: Path, name: str):
        if not is_folder_name(name):
            raise UserError(f"{shown(name)} is not the name of a sweep; {FOLDER_NAME}")
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

    def sweep(self) -> dict[str, Any]:
        """The sweep as last asked for: {name, question, trials: [...], ...}. Raises UserError if there is none."""
        try:
            found = read_checked(self.sweep_file)
        except Damaged as error:
            raise Damaged(f"{error}; `orchestrate sweep FILE` writes it again") from None
        if found is None:
            raise UserError(f"no sweep {self.name!r} in {self.folder.parent.parent}{_known(self.folder.parent)}")
        return found


def _known(folder: Path) -> str:
    names = sorted(entry.parent.name for entry in folder.glob("*/sweep.json"))
    return f"; there is {', '.join(names)}" if names else "; run `orchestrate sweep FILE` first"


def sweeps(home: Path) -> list[SweepFolder]:
    """Every sweep of a home folder, by name."""
    found = [file.parent.name for file in sorted(home.glob("sweeps/*/sweep.json"))]
    return [SweepFolder(home, name) for name in found if is_folder_name(name)]
