"""The mirror of a sweep in MLflow: one parent run per sweep, one child run per trial, written by one process.

The folders are the truth, and MLflow holds a copy that is made from them alone. The mirror sends what a trial's record
vouches for: rows and sample grids up to the step of its checkpoint. What MLflow holds already is asked of MLflow: runs
are found by their tags, their content by `RunWriter`. Every point carries its own time, and MLflow stores a point of
the same run, key, step, time and value once. So it is harmless to send again what may have arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import child_run, mirror_file, run_content, sqlite
from orchestrator.tracking.address import without_secrets
from orchestrator.tracking.artifact_location import ARTIFACTS_FOLDER
from orchestrator.tracking.child_run import ChildRun, TrialSource, to_json
from orchestrator.tracking.client import FOLDER_TAG, KEY_TAG, KIND_TAG, RunStatus, client_for, keep_oldest_run
from orchestrator.tracking.experiment import Experiment
from orchestrator.tracking.mirror_file import MirrorLocation
from orchestrator.tracking.run_writer import RunWriter


class TrackingUnavailable(Exception):
    """MLflow does not answer."""


class Mirror:
    """Keeps MLflow up to date with a sweep's folder.

    `compare_all`: nothing trains. Runs that are finished in MLflow are compared with their folders too, and the parent
    run is not marked as running. `is_running`: whether a worker has the trial of this key, where the lock in its
    folder does not tell. `sent`: what was sent, counted by kind. `damaged_pictures`: sample grids that were left out.
    """

    def __init__(
        self,
        folder: SweepFolder,
        uri: str,
        document: SweepDocument,
        compare_all: bool = False,
        is_running: Callable[[str], bool] | None = None,
    ):
        self.folder, self.uri, self.compare_all = folder, uri, compare_all
        self.is_running = is_running or (lambda key: is_held(self.folder.trial(key).lock_file))
        self.set_document(document)
        self.children: dict[str, ChildRun] = {}
        self.parent_run_id = ""
        self.sent: Counter[str] = Counter()
        self.damaged_pictures: set[Path] = set()
        self.client: Any = None
        self._has_new_runs = False  # that mirror.json does not name yet
        self._may_have_run: set[str] = set()
        """Keys of trials without a child here, of which MLflow may hold a run all the same."""

    def set_document(self, document: SweepDocument) -> None:
        """Take the sweep as it is in sweep.json now. A `sync` that runs in another thread goes on with the old one."""
        self.document = document
        self.trials = {trial["key"]: trial for trial in document["trials"]}

    def trial_settings(self, key: str) -> dict[str, Any]:
        """The settings that act in a trial, by path; {} if it never began."""
        return child_run.trial_settings(self.folder.trial(key), self.trials[key])

    # Opening

    def open(self) -> None:
        """Find or create the experiment, the parent run and the runs of trials that MLflow has already.

        Deleted ones are restored. Raises UserError if MLflow cannot be used at this address.
        """
        try:
            self._open()
        except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
            self.parent_run_id = ""
            safe_uri = without_secrets(self.uri)
            remedy = "check the address"
            if file := sqlite.database_file(self.uri):
                remedy = f"check the address, or move {file} away: `orchestrate sync` makes its runs again"
            raise UserError(f"MLflow at {safe_uri} cannot be used: {first_line(error)}; {remedy}") from None

    def _open(self) -> None:
        self.client = client_for(self.uri)
        name = self.document["name"]
        artifacts = self.folder.home / ARTIFACTS_FOLDER / name
        self.experiment = Experiment.open(self.client, self.uri, name, artifacts, self.sent)
        self.parent_run = self._open_parent_run(name)
        self.parent_run_id = self.parent_run.id
        self._send_document()
        if self.folder.source_file.exists():
            self.parent_run.add_file(self.folder.source_file, resend=not self.compare_all)
        if not self.compare_all:
            self.parent_run.set_status(RunStatus.RUNNING)
            self._set_description("")
        for key, runs in self.experiment.runs_of_trials(self.parent_run_id).items():
            self._adopt(key, runs)
        self._write_mirror_file()

    def _open_parent_run(self, name: str) -> RunWriter:
        folder_id = self.folder.folder_id()
        if run := self.experiment.find_run({KIND_TAG: "sweep", FOLDER_TAG: folder_id}):
            return self.experiment.writer(run)
        attempts = [self.folder.trial(key).record().attempts for key in self.trials]
        starts = [of_trial[0].began for of_trial in attempts if of_trial]
        return self.experiment.create_run(name, run_content.parent_tags(folder_id), min(starts, default=None))

    def _send_document(self) -> None:
        document = self.document  # another thread may replace it in the meantime
        self.parent_run.add_text("sweep.json", to_json(document), resend=not self.compare_all)
        self._sent_document = document

    def _end_runs_that_left(self) -> None:
        """Trials that are not in the sweep any more, such as those that were running when it was answered."""
        for key, child in self.children.items():
            if key not in self.trials and child.writer.status == RunStatus.RUNNING:
                child.writer.set_status(RunStatus.KILLED)

    def _adopt(self, key: str, runs: list[Any]) -> None:
        """Take over the run of an earlier command. Its trial may have another name now, or not be in the sweep."""
        if "imported" in self.document:
            runs = [run for run in runs if not self._retire_if_replaced(key, run)]
            if not runs:
                return
        if key not in self.trials:
            self._may_have_run.add(key)
            for run in runs:
                if run.info.status == RunStatus.RUNNING and run.info.lifecycle_stage == "active":
                    self.experiment.writer(run).set_status(RunStatus.KILLED)
            return
        writer = self.experiment.writer(keep_oldest_run(self.client, runs, self.sent))
        child = self.children[key] = ChildRun(writer, self.folder.trial(key).history_file)
        if not self.compare_all and writer.status != RunStatus.RUNNING:
            child.trust_mlflow()
        writer.set_tags(run_content.name_tags(self.trials[key]))

    def _retire_if_replaced(self, key: str, run: Any) -> bool:
        """Whether an imported run is not the one that the folder holds now. It then goes to MLflow's trash, and a new
        one is made: MLflow's points and parameters cannot be changed.
        """
        if key in self.trials:
            now = run_content.content_digest(self.folder.trial(key).record())
            if run.data.tags.get(run_content.IMPORT_TAG) == now:
                return False
        self.client.set_tag(run.info.run_id, KIND_TAG, "replaced")
        if run.info.lifecycle_stage == "active":
            self.client.delete_run(run.info.run_id)
        self.sent["replaced runs"] += 1
        return True

    def _write_mirror_file(self) -> None:
        """Name all runs in mirror.json: once per sync, because each time the whole file is written."""
        runs = {key: child.run_id for key, child in self.children.items()}
        location = MirrorLocation(without_secrets(self.uri), self.experiment.id, self.parent_run_id, runs)
        mirror_file.write(self.folder, location)
        self._has_new_runs = False

    # Keeping up to date

    def sync(self, show_progress: Callable[[int], None] = lambda done: None) -> None:
        """Send everything that the folders vouch for and MLflow lacks. `show_progress`: gets the trials done so far.

        If one trial cannot be sent, the others are sent all the same, and the first error is raised at the end. If
        MLflow does not answer at all, raises TrackingUnavailable at once: each trial would wait for its own timeout.
        """
        if not self.parent_run_id:
            self.open()
        if self._sent_document is not self.document:
            self._send_document()
            self._end_runs_that_left()
        errors: list[Exception] = []
        try:
            self._sync_trials(errors, show_progress)
        finally:
            if self._has_new_runs:
                self._write_mirror_file()
        if errors:
            raise errors[0]

    def _sync_trials(self, errors: list[Exception], show_progress: Callable[[int], None]) -> None:
        begun = self.folder.begun_keys()
        for done, (key, trial) in enumerate(self.trials.items(), start=1):
            if key in begun:
                try:
                    self._sync_trial(trial)
                except Exception as error:
                    if key in self.children:
                        self.children[key].needs_refresh = True
                    if not self.experiment.answers():
                        raise TrackingUnavailable(first_line(error)) from None
                    errors.append(error)
            show_progress(done)

    def _sync_trial(self, trial: TrialDocument) -> None:
        key = trial["key"]
        child = self.children.get(key)
        if child and child.is_closed:
            return
        folder = self.folder.trial(key)
        record = folder.record()
        if record.status == TrialStatus.RUNNING and not self.is_running(key):  # its process died
            record = replace(record, status=TrialStatus.INTERRUPTED)
        is_unknown = record.status in (TrialStatus.PENDING, TrialStatus.DAMAGED)
        is_starting = record.status == TrialStatus.RUNNING and not record.applied
        if is_unknown or is_starting:
            return
        if child and child.sent_state == run_content.record_state(record):
            child.is_closed = record.status == TrialStatus.FINISHED and not record.may_go_on
            return
        source = TrialSource(self.document, self.parent_run_id, trial, folder, record)
        damaged = self._child_run(source).send(source, self.compare_all)
        self.damaged_pictures.update(damaged)

    def _child_run(self, source: TrialSource) -> ChildRun:
        """The trial's run: created if there is none. It is looked for only where there may be one: after an error."""
        key = source.trial["key"]
        child = self.children.get(key)
        if child and not child.needs_refresh:
            return child
        tags = {"mlflow.parentRunId": self.parent_run_id, KIND_TAG: "trial", KEY_TAG: key}
        run = self.experiment.find_run(tags) if child or key in self._may_have_run else None
        self._may_have_run.add(key)  # until an answer says that it was created
        if child and run and child.run_id == run.info.run_id:
            child.writer.refresh(run)
            child.needs_refresh = False
            return child
        if run:
            writer = self.experiment.writer(run)
        else:
            writer = self.experiment.create_run(source.trial["name"], source.tags(), source.start_ms())
        child = self.children[key] = ChildRun(writer, source.folder.history_file)
        self._may_have_run.discard(key)
        self._has_new_runs = True
        return child

    def last_answer(self) -> float:
        """When MLflow answered last, by time.monotonic; 0.0 if it never did."""
        return self.client.last_answer if self.client else 0.0

    # The end

    def end_parent_run(self, status: RunStatus, answer: str, report: Path | None) -> None:
        """End the parent run, with the report's answer as its description."""
        self._set_description(answer)
        compared = [trial["key"] for trial in self.document["trials"] if not trial["confirms"]]
        self.parent_run.set_metrics(run_content.sweep_metrics(self.folder.trial(key).record() for key in compared))
        if report:
            self.parent_run.add_file(report, resend=True)
        self.parent_run.set_status(status)

    def mark_killed(self) -> None:
        """Mark the parent run as killed. Errors are ignored: another one has stopped the sweep already."""
        with suppress(Exception):
            self.client.set_terminated(self.parent_run_id, RunStatus.KILLED)

    def _set_description(self, answer: str) -> None:
        description = run_content.parent_description(self.document["question"], answer)
        self.parent_run.set_tags({"mlflow.note.content": description})
