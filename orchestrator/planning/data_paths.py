"""The files that a trial reads: `~` and variables expanded, and relative paths from where they were written."""

from __future__ import annotations

import os
from pathlib import Path

from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from orchestrator.sweepfile.model import Trial
from orchestrator.sweepfile.settings import source_of

PATH_SETTINGS = ("data.path", "data.root", "evaluation.weights")


def with_absolute_paths(trial: Trial, sweep_file: str, home: Path) -> TrialConfig:
    """The trial's config with absolute paths; torchvision's data sets are in <home>/datasets by default.

    A path in the sweep file is relative to the file, one on the command line (`--set`) to the current folder. Raises
    DataError if a path in the file was meant to be relative to the current folder.
    """
    config = trial.config
    changed: dict[str, dict[str, str]] = {"data": {}, "evaluation": {}}
    for setting, written in _written_paths(config).items():
        path = _absolute(setting, written, trial, sweep_file)
        other = _in_current_folder(setting, written, trial, sweep_file)
        if other and not os.path.exists(path):
            raise DataError(
                setting,
                f"{path} does not exist; a path in a sweep file is relative to the file. There is {other}: write "
                f"{os.path.relpath(other, path_base(sweep_file))}",
            )
        section, _, name = setting.partition(".")
        changed[section][name] = str(path)
    if config.data.name in datasets.TORCHVISION:
        changed["data"].setdefault("root", str((home / "datasets").absolute()))
    sections = {"data": config.data, "evaluation": config.evaluation}
    update = {name: sections[name].model_copy(update=paths) for name, paths in changed.items() if paths}
    return config.model_copy(update=update) if update else config


def caution_about_paths(trial: Trial, sweep_file: str) -> list[str]:
    """Paths of the file that, read from the current folder as an earlier version did, are other files."""
    cautions = []
    for setting, written in _written_paths(trial.config).items():
        path, other = (find(setting, written, trial, sweep_file) for find in (_absolute, _in_current_folder))
        if path and other and os.path.exists(path) and not os.path.samefile(path, other):
            cautions.append(
                f"{setting}: {written} is {path}, relative to the sweep file; {other}, in the folder that the command "
                "was started in, is not read"
            )
    return cautions


def path_base(sweep_file: str) -> Path:
    """The folder that paths in the sweep file are relative to."""
    return Path(sweep_file).absolute().parent


def _written_paths(config: TrialConfig) -> dict[str, str]:
    paths = (config.data.path, config.data.root, config.evaluation.weights)
    return {setting: path for setting, path in zip(PATH_SETTINGS, paths, strict=True) if path}


def _is_on_command_line(setting: str, trial: Trial) -> bool:
    return (source_of(setting, trial.sources) or "").startswith("--set")


def _absolute(setting: str, written: str, trial: Trial, sweep_file: str) -> Path:
    path = datasets.user_path(written)
    path = path.absolute() if _is_on_command_line(setting, trial) else path_base(sweep_file) / path
    short = os.path.normpath(path)  # another place, if a folder before `..` is a link
    return Path(short) if os.path.exists(short) and os.path.samefile(short, path) else path


def _in_current_folder(setting: str, written: str, trial: Trial, sweep_file: str) -> Path | None:
    """What the path would be in the current folder, if this is another place and there is such a file."""
    path = datasets.user_path(written)
    if path.is_absolute() or _is_on_command_line(setting, trial) or path_base(sweep_file) == Path.cwd():
        return None
    return path.absolute() if os.path.exists(path) else None  # not Path.exists, which refuses a long path
