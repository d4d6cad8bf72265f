"""A sweep compared with its folder: which of its trials are pending, interrupted, failed or finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from gan_core.config.identity import trial_key
from gan_core.config.trial import TrialConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from gan_core.data.summary import DataSummary, summarize
from gan_core.evaluation.requirements import check_data, check_evaluation
from orchestrator.command_hints import client_path
from orchestrator.errors import Problem, SpecError, UserError, escape_control_characters
from orchestrator.planning.added_seeds import first_reported
from orchestrator.planning.data_paths import caution_about_paths, with_absolute_paths
from orchestrator.planning.earlier_looks import looked_designs
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import AnswerDocument, LookedDesign, SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder, make_home
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Sweep, Trial
from orchestrator.sweepfile.sample import SampleDocument
from orchestrator.sweepfile.settings import source_of


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with its key and its record.

    `config`: the trial's config with absolute paths of its data. `fingerprint`: hash of its data set.
    """

    key: str
    trial: Trial
    config: TrialConfig
    fingerprint: str
    record: Record

    @property
    def evaluation(self) -> str:
        """Identifies the evaluator: trials with the same data and evaluation config share one."""
        return self.fingerprint + self.config.evaluation.model_dump_json(exclude={"every"})

    @property
    def state(self) -> TrialStatus:
        """The status of the trial while no command runs its sweep."""
        return self.record.current_status(is_held=False)

    @property
    def remaining(self) -> int:
        """Steps that are left to train."""
        return 0 if self.state == TrialStatus.FINISHED else self.config.steps - self.record.step

    def to_document(self) -> TrialDocument:
        """The trial as `sweep.json` and MLflow keep it."""
        return {
            "key": self.key,
            "data": self.fingerprint,
            "name": self.trial.name,
            "group": self.trial.group,
            "configuration": self.trial.configuration,
            "seed": self.trial.seed,
            "factors": self.trial.factors,
            "steps": self.config.steps,
            "loss": self.config.loss.name,
            "confirms": self.trial.confirms,
        }


@dataclass(frozen=True)
class Plan:
    """A sweep, its folder, and its trials with their records.

    `data`: fingerprint -> data set as arrays. `images`: the same as tensors to train on, which needs torch. `answer`:
    where the sweep stands, if it trains until its question is answered. `reported_seeds`: those of its first report.
    `looked`: the designs with which earlier commands have looked, seed by seed.
    """

    sweep: Sweep
    folder: SweepFolder
    trials: list[PlannedTrial]
    data: dict[str, datasets.ImageArrays]
    answer: AnswerDocument | None = None
    reported_seeds: list[int] = field(default_factory=list)
    looked: list[LookedDesign] = field(default_factory=list)

    @cached_property
    def images(self) -> dict[str, datasets.ImageSet]:
        return {fingerprint: arrays.tensors() for fingerprint, arrays in self.data.items()}

    @property
    def unfinished(self) -> list[PlannedTrial]:
        return [planned for planned in self.trials if planned.state != TrialStatus.FINISHED]

    def with_current_records(self) -> Plan:
        """The same plan with the records read again."""
        trials = [replace(planned, record=self.folder.trial(planned.key).record()) for planned in self.trials]
        return replace(self, trials=trials)

    def earlier_trials(self) -> list[TrialDocument]:
        """The trials that the last command planned for this sweep; none if there was no command before."""
        sweep: SweepDocument | None = read_json_or_none(self.folder.sweep_file)
        return sweep["trials"] if sweep else []

    def earlier_answer(self) -> AnswerDocument | None:
        """Where the last command has left the sweep; None if it did not train until the question was answered."""
        sweep: SweepDocument | None = read_json_or_none(self.folder.sweep_file)
        return sweep.get("answer") if sweep else None

    def earlier_samples(self) -> dict[str, SampleDocument]:
        """What the groups were drawn from when the last command planned this sweep."""
        sweep: SweepDocument | None = read_json_or_none(self.folder.sweep_file)
        return sweep.get("samples", {}) if sweep else {}

    def data_summaries(self) -> list[DataSummary]:
        """What the data sets are that the user made."""
        return [summary for images in self.data.values() if (summary := summarize(images))]

    def counts(self) -> dict[str, int]:
        """Number of trials in each state."""
        return dict(Counter(planned.state for planned in self.trials))

    def to_document(self) -> SweepDocument:
        """The contents of `sweep.json`, which later commands and the report read."""
        document: SweepDocument = {
            "name": self.sweep.name,
            "question": self.sweep.question,
            "file": client_path(self.sweep.file),
            "seeds": self.sweep.seeds,
            "overrides": self.sweep.overrides,
            "cautions": self.sweep.cautions,
            "data": {fingerprint: arrays.card() for fingerprint, arrays in self.data.items()},
            "trials": [planned.to_document() for planned in self.trials],
        }
        if self.answer:
            document["answer"] = self.answer
        if self.reported_seeds:
            document["reported_seeds"] = self.reported_seeds
        if self.looked:
            document["looked"] = self.looked
        if self.sweep.stop_early:
            document["stop_early"] = True
        if self.sweep.samples:
            document["samples"] = {group: sample.to_document() for group, sample in self.sweep.samples.items()}
        return document


def make_plan(sweep: Sweep, home: Path) -> Plan:
    """Loads each data set once, downloading it if needed, checks every trial, and reads its record from the folder.

    Raises SpecError, with the line of the wrong setting, if data is missing or does not fit the settings; UserError if
    the sweep's folder holds imported runs.
    """
    folder = SweepFolder(home, sweep.name)
    before: SweepDocument | None = read_json_or_none(folder.sweep_file)
    if before and "imported" in before:
        raise UserError(
            f"{sweep.name} holds imported runs in {folder.home}, which cannot be trained here; give the sweep another "
            "name (`--set sweep=NAME`), or take another --home"
        )
    loaded: dict[str, datasets.ImageArrays] = {}
    unreadable: dict[str, DataError] = {}
    problems: dict[tuple[str, str], Problem] = {}
    planned, begun = [], folder.begun_keys()
    names: dict[str, str] = {}
    for trial in sweep.trials:
        try:
            config = with_absolute_paths(trial, sweep.file, home)
            data_config = config.data.model_dump_json()
            if data_config in unreadable:
                raise unreadable[data_config]
            if data_config not in loaded:
                if config.data.root == str((home / "datasets").absolute()):
                    make_home(home)
                try:
                    loaded[data_config] = datasets.read(config.data, download=True)
                except DataError as error:
                    unreadable[data_config] = error
                    raise
            images = loaded[data_config]
            errors = _errors(config, images)
        except DataError as error:
            errors = [error]
        for wrong in errors:
            problem = _problem(wrong, trial, sweep.file)
            problems.setdefault((problem.source, wrong.path), problem)
        if errors:
            continue
        key = trial_key(config, images.fingerprint)
        if key in names:
            source = source_of("data", trial.sources) or sweep.file
            message = f"the same data and settings as {names[key]}, though written differently"
            problems.setdefault((source, trial.name), Problem(source, trial.name, message))
        names[key] = trial.name
        record = folder.trial(key).record() if key in begun else Record(key)
        planned.append(PlannedTrial(key, trial, config, images.fingerprint, record))
    if problems:
        raise SpecError(list(problems.values()))
    data = {images.fingerprint: images for images in loaded.values()}
    reported = first_reported(before, folder.report_file.exists(), sweep.seeds)
    plan = Plan(sweep, folder, planned, data, reported_seeds=reported, looked=looked_designs(before))
    cautions = _cautions(sweep.trials, sweep.file, plan.data_summaries())
    return replace(plan, sweep=replace(sweep, cautions=[*sweep.cautions, *cautions]))


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


def _cautions(trials: list[Trial], sweep_file: str, summaries: list[DataSummary]) -> list[str]:
    """About the data sets of the trials, each once."""
    of_paths = [caution for trial in trials for caution in caution_about_paths(trial, sweep_file)]
    of_data = [f"{summary['path']}: {caution}" for summary in summaries for caution in summary["cautions"]]
    return list(dict.fromkeys(map(escape_control_characters, [*of_paths, *of_data])))
