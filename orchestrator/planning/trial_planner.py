"""Makes planned trials: loads each data set once, checks that it fits the settings, and reads the trial's record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gan_core.config.identity import keys_by_seed, trial_key
from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from gan_core.evaluation.requirements import check_data, check_evaluation
from orchestrator.errors import Problem, SpecError
from orchestrator.planning.data_paths import with_absolute_paths
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder, make_home
from orchestrator.sweepfile.model import Trial
from orchestrator.sweepfile.settings import source_of


@dataclass(frozen=True)
class _Checked:
    """What is the same for every seed of a trial.

    config: with absolute paths. fingerprint: of its data. errors: what does not fit. keys: seed -> the trial's key;
    None if there are errors.
    """

    trial: Trial
    config: TrialConfig
    fingerprint: str
    errors: list[DataError]
    keys: Callable[[int], str] | None

    def is_of(self, trial: Trial) -> bool:
        """Whether the trial has the same settings, written at the same places, but for the seed."""
        own, other = (vars(each.config) | {"seed": None} for each in (self.trial, trial))
        return own == other and self.trial.sources == trial.sources


class TrialPlanner:
    """Plans trials of one sweep file, and collects what is wrong with them."""

    def __init__(self, sweep_file: str, folder: SweepFolder, home: Path):
        self._file, self._folder, self._home = sweep_file, folder, home
        self._begun = folder.begun_keys()
        self._loaded: dict[str, datasets.ImageArrays] = {}
        self._unreadable: dict[str, DataError] = {}
        self._problems: dict[tuple[str, str], Problem] = {}
        self._last: _Checked | None = None
        """Of the last trial: those that follow often differ from it in the seed alone."""

    @property
    def data(self) -> dict[str, datasets.ImageArrays]:
        """Fingerprint -> each data set that was loaded."""
        return {images.fingerprint: images for images in self._loaded.values()}

    def raise_problems(self) -> None:
        """Raises SpecError if a trial so far cannot be trained."""
        if self._problems:
            raise SpecError(list(self._problems.values()))

    def different(self, trials: Iterable[Trial]) -> list[PlannedTrial]:
        """The trials planned, without those that have a problem; that two are the same is one."""
        names: dict[str, str] = {}
        different = []
        for trial in trials:
            if planned := self.planned(trial):
                if planned.key in names:
                    source = source_of("data", trial.sources) or self._file
                    message = f"the same data and settings as {names[planned.key]}, though written differently"
                    self._problems.setdefault((source, trial.name), Problem(source, trial.name, message))
                names[planned.key] = trial.name
                different.append(planned)
        return different

    def planned(self, trial: Trial) -> PlannedTrial | None:
        """The trial with its key and its record; None if something is wrong with it."""
        if self._last is None or not self._last.is_of(trial):
            self._last = self._checked(trial)
        checked = self._last
        for wrong in checked.errors:
            problem = _problem(wrong, trial, self._file)
            self._problems.setdefault((problem.source, wrong.path), problem)
        if checked.keys is None:
            return None
        config, seed = trial.config, trial.config.seed
        if checked.config is not checked.trial.config:  # it has other paths
            config = checked.config.model_copy(update={"seed": seed})
        return PlannedTrial(key := checked.keys(seed), trial, config, checked.fingerprint, self._record(key))

    def _checked(self, trial: Trial) -> _Checked:
        try:
            config = with_absolute_paths(trial, self._file, self._home)
            images = self._images(config)
            errors = _errors(config, images)
        except DataError as error:
            return _Checked(trial, trial.config, "", [error], None)
        keys = None if errors else keys_by_seed(config, images.fingerprint)
        return _Checked(trial, config, images.fingerprint, errors, keys)

    def with_seed(self, planned: PlannedTrial, seed: int) -> PlannedTrial:
        """The same trial with another seed."""
        config = planned.config.model_copy(update={"seed": seed})
        trial = replace(planned.trial, seed=seed, config=planned.trial.config.model_copy(update={"seed": seed}))
        key = trial_key(config, planned.fingerprint)
        return PlannedTrial(key, trial, config, planned.fingerprint, self._record(key))

    def _record(self, key: str) -> Record:
        return self._folder.trial(key).record() if key in self._begun else Record(key)

    def _images(self, config: TrialConfig) -> datasets.ImageArrays:
        """Raises DataError, the same one again for the same data."""
        data_config = config.data.model_dump_json()
        if data_config in self._unreadable:
            raise self._unreadable[data_config]
        if data_config not in self._loaded:
            if config.data.root == str((self._home / "datasets").absolute()):
                make_home(self._home)
            try:
                self._loaded[data_config] = datasets.read(config.data, download=True)
            except DataError as error:
                self._unreadable[data_config] = error
                raise
        return self._loaded[data_config]


def _errors(config: TrialConfig, images: datasets.ImageArrays) -> list[DataError]:
    """What does not fit between the settings and the data."""
    errors = []
    for check in (check_data, check_evaluation):
        try:
            check(config, images)
        except DataError as error:
            errors.append(error)
    return errors


def _problem(error: DataError, trial: Trial, sweep_file: str) -> Problem:
    """The error with the line of the wrong setting, which is named once."""
    source = source_of(error.path, trial.sources) or source_of("data.name", trial.sources) or sweep_file
    is_named = source.startswith("--set") or f"({error.path})" in str(error)
    return Problem(source, "" if is_named else f"trial.{error.path}", str(error))
