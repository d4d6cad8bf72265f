"""`orchestrate clean`: what lies in the home folder and nobody needs any more. MLflow's records are never touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.formatting import format_bytes
from orchestrator.store import temp_folder
from orchestrator.store.sweep_folder import SweepFolder, sweeps
from orchestrator.store.sweep_lock import hold, is_held
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


@dataclass(frozen=True)
class Waste:
    """Files or folders of one kind, and their bytes."""

    what: str
    paths: list[Path]
    size: int


def choose_sweeps(home: Path, name: str | None, all_: bool) -> list[SweepFolder]:
    """The sweeps of a home folder that are to be cleaned. Raises UserError."""
    if (name is None) == (not all_):
        raise UserError("give the name of a sweep, or --all: orchestrate clean SWEEP; `orchestrate status` lists them")
    found = sweeps(home)
    if all_:
        return found
    chosen = [folder for folder in found if folder.name == name]
    if not chosen:
        SweepFolder(home, str(name)).sweep()  # raises, with those that there are
        raise UserError(f"{name!r} is not the name of a sweep; `orchestrate status` lists them")
    return chosen


@contextmanager
def held(folders: list[SweepFolder]) -> Iterator[None]:
    """Nothing runs these sweeps meanwhile. Raises UserError where something does."""
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(hold(folder))
        yield


def find(home: Path, folders: list[SweepFolder], all_: bool, everything: bool) -> list[Waste]:
    """What can be deleted, kind by kind, without the kinds of which there is nothing.

    `all_`: all of HOME/train, not only what `orchestrate train` left of these sweeps' trials. `everything`: the sweeps
    themselves.
    """
    trials = [
        TrialFolder(file.parent) for folder in folders for file in sorted(folder.folder.glob("trials/*/record.json"))
    ]
    if everything:
        kinds = {"sweeps with all their trials": [folder.folder for folder in folders]}
    else:
        finished = [
            file
            for place in trials
            if place.record().status == TrialStatus.FINISHED
            for file in (place.checkpoint_file, place.previous_file, place.damaged_file)
        ]
        kinds = {
            "checkpoints of finished trials": [file for file in finished if file.exists()],
            "half-written files of killed commands": [
                file for folder in folders for file in sorted(folder.folder.rglob(".*.tmp"))
            ],
        }
    keys = {place.key for place in trials}
    alone = [place for place in sorted(home.glob("train/*")) if all_ or place.name in keys]
    kinds["trials of `orchestrate train`"] = [place for place in alone if not is_held(TrialFolder(place).lock_file)]
    kinds["temporary folders of killed commands"] = temp_folder.orphans()
    return [Waste(what, paths, sum(map(size_of, paths))) for what, paths in kinds.items() if paths]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir() or file.is_symlink())


def describe(waste: list[Waste], folders: list[SweepFolder], everything: bool) -> list[str]:
    """What would be deleted and how much, as lines."""
    lines = [f"{format_bytes(one.size):>8}  {len(one.paths)} {one.what}" for one in waste]
    if everything:
        lines.append(f"sweeps: {', '.join(folder.name for folder in folders) or 'none'}")
        lines.append("MLflow's runs, pictures and models stay; delete those in its UI (orchestrate ui)")
    return lines


def delete(waste: list[Waste]) -> int:
    """Deletes it; the bytes. Raises UserError where something cannot be deleted."""
    for path in (path for one in waste for path in one.paths):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be deleted ({error.strerror}); check who owns it") from None
    return sum(one.size for one in waste)
