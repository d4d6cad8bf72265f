"""A sweep compared with its folder: which of its trials are pending, interrupted, failed or finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from gan_core.config.identity import trial_key
from gan_core.config.length_cautions import cautions_about_epochs
from gan_core.data import datasets
from gan_core.data.summary import DataSummary, summarize
from orchestrator.command_hints import client_path
from orchestrator.errors import UserError, escape_control_characters
from orchestrator.formatting import with_names
from orchestrator.planning.added_seeds import first_reported
from orchestrator.planning.data_paths import caution_about_paths, with_absolute_paths
from orchestrator.planning.earlier_looks import looked_designs
from orchestrator.planning.explored import ends, explored_document, typical_settings, with_earlier_points
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_planner import TrialPlanner
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.sweep_document import (
    AnswerDocument,
    ExploredDocument,
    LookedDesign,
    SweepDocument,
    TrialDocument,
)
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import Sweep, Trial
from orchestrator.sweepfile.sample import SampleDocument


@dataclass(frozen=True)
class Plan:
    """A sweep, its folder, and its trials with their records.

    `data`: fingerprint -> data set as arrays. `images`: the same as tensors to train on, which needs torch. `answer`:
    where the sweep stands, if it trains until its question is answered. `reported_seeds`: those of its first report.
    `looked`: the designs with which earlier commands have looked, seed by seed. `explored`: how trials are chosen one
    after another, if they are; then `trials` are those that were chosen so far, and `expected` has a typical one for
    each that is still to come.
    """

    sweep: Sweep
    folder: SweepFolder
    trials: list[PlannedTrial]
    data: dict[str, datasets.ImageArrays]
    answer: AnswerDocument | None = None
    reported_seeds: list[int] = field(default_factory=list)
    looked: list[LookedDesign] = field(default_factory=list)
    explored: ExploredDocument | None = None
    expected: list[PlannedTrial] = field(default_factory=list)

    @cached_property
    def images(self) -> dict[str, datasets.ImageSet]:
        return {fingerprint: arrays.tensors() for fingerprint, arrays in self.data.items()}

    @property
    def unfinished(self) -> list[PlannedTrial]:
        return [planned for planned in self.trials if planned.state != TrialStatus.FINISHED]

    @property
    def to_train(self) -> list[PlannedTrial]:
        """What is left, with what a trial that is not chosen yet is taken for."""
        return [*self.unfinished, *self.expected]

    @property
    def size(self) -> int:
        """How many trials it comes to."""
        return len(self.trials) + len(self.expected)

    def planned(self, trial: Trial) -> PlannedTrial:
        """A trial that was chosen, on the data that all of them share."""
        (fingerprint,) = self.data
        config = with_absolute_paths(trial, self.sweep.file, self.folder.home)
        key = trial_key(config, fingerprint)
        return PlannedTrial(key, trial, config, fingerprint, self.folder.trial(key).record())

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

    def earlier_explored(self) -> ExploredDocument | None:
        """How the last command chose trials one after another; None if it did not."""
        sweep: SweepDocument | None = read_json_or_none(self.folder.sweep_file)
        return sweep.get("explored") if sweep else None

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
        if self.explored:
            document["explored"] = self.explored
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
    planner = TrialPlanner(sweep.file, folder, home)
    explored, expected = None, list[PlannedTrial]()
    if sweep.explores:
        explored, planned, expected = _chosen(sweep, planner, before)
    else:
        planned = planner.different(sweep.trials)
    planner.raise_problems()
    reported = first_reported(before, folder.report_file.exists(), sweep.seeds)
    looked = looked_designs(before)
    plan = Plan(sweep, folder, planned, planner.data, None, reported, looked, explored, expected)
    trials = sweep.trials or [each.trial for each in expected[:1]]
    cautions = _cautions(plan, trials)
    return replace(plan, sweep=replace(sweep, cautions=[*sweep.cautions, *cautions]))


def _chosen(
    sweep: Sweep, planner: TrialPlanner, before: SweepDocument | None
) -> tuple[ExploredDocument, list[PlannedTrial], list[PlannedTrial]]:
    """(How trials are chosen, those that were chosen, a typical one for each that is not yet) of a sweep that does."""
    space = sweep.explored_sample.space
    anew = explored_document(sweep)
    document = with_earlier_points(anew, before)
    chosen = _as_chosen(sweep, planner, document)
    if chosen is None:
        document, chosen = anew, []
    typical = planner.planned(sweep.trial_at(typical_settings(space), 0))
    for settings in ends(space):
        planner.planned(sweep.trial_at(settings, 0))
    left = range(len(chosen), document["trials"])
    return document, chosen, [planner.with_seed(typical, number) for number in left] if typical else []


def _as_chosen(sweep: Sweep, planner: TrialPlanner, document: ExploredDocument) -> list[PlannedTrial] | None:
    """The trials of the points of the document; None if the settings of today make others of them, or none at all."""
    points = document["points"]
    try:
        trials = [sweep.trial_at(point["settings"], point["seed"]) for point in points]
    except UserError:  # a point contradicts settings that are new
        return None
    chosen = planner.different(trials)
    return chosen if [planned.key for planned in chosen] == [point["key"] for point in points] else None


def _cautions(plan: Plan, trials: list[Trial]) -> list[str]:
    """About the data sets of the trials, and about what depends on their size, each once."""
    of_paths = [caution for trial in trials for caution in caution_about_paths(trial, plan.sweep.file)]
    of_data = [f"{summary['path']}: {caution}" for summary in plan.data_summaries() for caution in summary["cautions"]]
    of_epochs = dict[str, set[str]]()
    for planned in [*plan.trials, *plan.expected[:1]]:
        for caution in cautions_about_epochs(planned.config, len(plan.data[planned.fingerprint])):
            of_epochs.setdefault(caution, set()).add(planned.trial.group)
    return list(dict.fromkeys(map(escape_control_characters, [*of_paths, *of_data, *with_names(of_epochs)])))
