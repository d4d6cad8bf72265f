"""`orchestrate clean`: deletes files of the home folder that nobody needs any more; MLflow keeps all its records."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from orchestrator.commands import slurm_job
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.formatting import format_bytes
from orchestrator.store import temp_folder
from orchestrator.store.sweep_folder import SweepFolder, sweep_folders
from orchestrator.store.sweep_lock import hold, is_held
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


@dataclass(frozen=True)
class UnusedFiles:
    """Files or folders of one kind that can be deleted. `size`: their bytes."""

    kind: str
    paths: list[Path]
    size: int


def clean(
    home: Path,
    folders: list[SweepFolder],
    all_: bool,
    everything: bool,
    confirm: Callable[[str], bool],
    console: Console,
) -> None:
    """List what nobody needs of these sweeps, and delete it if `confirm` answers the question with True.

    `all_`, `everything`: as for `find_unused`. Raises UserError if a sweep runs, or something cannot be deleted.
    """
    with lock_sweeps(folders):
        unused = find_unused(home, folders, all_, everything)
        for line in describe(unused, folders, everything):
            say(console, line)
        if not unused:
            say(console, "nothing to delete; `orchestrate status` shows what is kept")
        elif confirm(f"delete {format_bytes(sum(files.size for files in unused))}?"):
            say(console, f"deleted {format_bytes(delete(unused))}; `orchestrate status` shows what is left")
        else:
            say(console, "nothing was deleted")


def choose_sweeps(home: Path, name: str | None, all_: bool) -> list[SweepFolder]:
    """The sweeps of a home folder to clean: the named one or all. Raises UserError."""
    if (name is None) == (not all_):
        raise UserError("give the name of a sweep, or --all: orchestrate clean SWEEP; `orchestrate status` lists them")
    folders = sweep_folders(home)
    if all_:
        return folders
    chosen = [folder for folder in folders if folder.name == name]
    if not chosen:
        SweepFolder(home, str(name)).document()  # raises, and lists the sweeps of the home
        raise UserError(f"{name!r} is not the name of a sweep; `orchestrate status` lists them")
    return chosen


@contextmanager
def lock_sweeps(folders: list[SweepFolder]) -> Iterator[None]:
    """In this context no other command can run these sweeps. Raises UserError if one runs already."""
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(hold(folder))
            slurm_job.refuse_if_submitted(folder)
        yield


def find_unused(home: Path, folders: list[SweepFolder], all_: bool, everything: bool) -> list[UnusedFiles]:
    """What can be deleted, by kind, without empty kinds.

    `all_`: all of HOME/train, not only what `orchestrate train` left of the trials of these sweeps, and what all sweeps
    share. `everything`: also the folders of the sweeps.
    """
    trials = [
        TrialFolder(file.parent) for folder in folders for file in sorted(folder.folder.glob("trials/*/record.json"))
    ]
    places = [folder.folder for folder in folders] + ([home / "evaluators"] if all_ else [])
    if everything:
        kinds = {"sweeps with all their trials": [folder.folder for folder in folders]}
    else:
        finished = [
            file
            for trial_folder in trials
            if (record := trial_folder.record()).status == TrialStatus.FINISHED and not record.may_go_on
            for file in (
                trial_folder.checkpoint_file,
                trial_folder.previous_checkpoint_file,
                trial_folder.damaged_checkpoint_file,
            )
        ]
        kinds = {
            "checkpoints of finished trials": [file for file in finished if file.exists()],
            "half-written files of killed commands": [
                file for place in places for file in sorted(place.rglob(".*.tmp"))
            ],
        }
    keys = {trial_folder.key for trial_folder in trials}
    single_runs = [path for path in sorted(home.glob("train/*")) if all_ or path.name in keys]
    kinds["trials of `orchestrate train`"] = [path for path in single_runs if not is_held(TrialFolder(path).lock_file)]
    kinds["temporary folders of killed commands"] = temp_folder.orphaned_folders()
    return [UnusedFiles(kind, paths, sum(map(size_of, paths))) for kind, paths in kinds.items() if paths]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir() or file.is_symlink())


def describe(unused: list[UnusedFiles], folders: list[SweepFolder], everything: bool) -> list[str]:
    """What would be deleted, and how many bytes, as lines."""
    lines = [f"{format_bytes(files.size):>8}  {len(files.paths)} {files.kind}" for files in unused]
    if everything:
        lines.append(f"sweeps: {', '.join(folder.name for folder in folders) or 'none'}")
        lines.append("MLflow's runs, pictures and models stay; delete those in its UI (orchestrate ui)")
    return lines


def delete(unused: list[UnusedFiles]) -> int:
    """Delete the files; returns their bytes. Raises UserError if something cannot be deleted."""
    for path in (path for files in unused for path in files.paths):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be deleted ({error.strerror}); check who owns it") from None
    return sum(files.size for files in unused)
