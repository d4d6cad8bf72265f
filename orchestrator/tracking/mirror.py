"""The MLflow mirror: one parent run a sweep, one child a trial, kept up with the trials' folders by one writer.

The folders are the truth and MLflow a copy, made from the folder alone. The writer sends what a trial's record vouches
for (rows and pictures up to the step of its checkpoint). What MLflow has is asked of MLflow: runs by tags, what they
hold by `run_copy`. Rows carry their own time, and MLflow keeps a point of the same run, key, step, time and value once,
so what is sent again after an answer was lost changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gan_core.config.identity import effective_settings
from gan_core.config.trial import TrialConfig
from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.store.history_reader import HistoryReader
from orchestrator.store.json_files import read_json, write_json
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import run_content
from orchestrator.tracking.address import without_secrets
from orchestrator.tracking.client import FOLDER, KEY, KIND, SENT, children_of, client_for, one_of, runs_with
from orchestrator.tracking.run_writer import RunCopy

EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}  # the UI's pages for training, not for agents
GROWTH = 1.25
"""history.jsonl of a running trial is sent when it has grown by so much: all its sendings are 5 times its end."""


class Away(Exception):
    """MLflow does not answer."""


@dataclass
class _Child:
    """How far the mirror of one trial is."""

    copy: RunCopy
    tail: HistoryReader
    state: str = ""  # of the record, when all of it was sent
    described: tuple[int, str] = (-1, "")  # attempts and evaluator when it was described
    history: int = 0  # bytes of the history.jsonl sent last
    closed: bool = False
    doubtful: bool = False  # something failed, so nobody knows what arrived

    @property
    def run_id(self) -> str:
        return self.copy.id


class Mirror:
    """Keeps MLflow up with a sweep's folder.

    `document`: the sweep as in sweep.json. `rebuild`: nothing trains; finished runs are looked at again too, and the
    parent run is not marked as running. `runs`: whether a worker has a trial, where its lock does not say.
    `sent`: what was sent, counted by kind. `left_out`: pictures that are damaged.
    """

    def __init__(
        self,
        folder: SweepFolder,
        uri: str,
        document: SweepDocument,
        rebuild: bool = False,
        runs: Callable[[str], bool] | None = None,
    ):
        self.runs = runs or (lambda key: is_held(self.folder.trial(key).lock_file))
        self.folder, self.uri, self.document, self.rebuild = folder, uri, document, rebuild
        self.trials = {trial["key"]: trial for trial in document["trials"]}
        self.children: dict[str, _Child] = {}
        self.parent = ""
        self.sent: Counter[str] = Counter()
        self.left_out: set[Path] = set()
        self.client: Any = None
        self._made = False  # whether there are children that mirror.json does not name

    # The runs

    def open(self) -> None:
        """Finds or makes the experiment, the parent run and what it knows of the children.

        What lies in MLflow's trash is taken out of it again. Raises UserError if MLflow cannot be used there.
        """
        try:
            self._open()
        except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
            self.parent = ""
            shown = without_secrets(self.uri)
            raise UserError(f"MLflow at {shown} cannot be used: {first_line(error)}; check the address") from None

    def _open(self) -> None:
        self.client = client_for(self.uri)
        name = self.document["name"]
        found = self.client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
            self.sent["experiments"] += 1
        self.experiment = found.experiment_id if found else self._create_experiment(name)
        tags = {KIND: "sweep", FOLDER: self.folder.identity()}
        mine = one_of(self.client, runs_with(self.client, self.experiment, tags, trash=True), self.sent)
        self.parent_copy = self._copy(mine) if mine else self._create_parent(name)
        self.parent = self.parent_copy.id
        self._send_document()
        if self.folder.asked_file.exists():
            self.parent_copy.add_file(self.folder.asked_file, anew=not self.rebuild)
        if not self.rebuild:
            self.parent_copy.set_status("RUNNING")
            self._set_note("")
        by_key = defaultdict(list)
        for run in children_of(self.client, self.experiment, self.parent, trash=True):
            by_key[run.data.tags[KEY]].append(run)
        for key, runs in by_key.items():
            self._adopt(key, runs)
        self._remember()

    def _send_document(self) -> None:
        document = self.document  # `follow` may replace it meanwhile
        self.parent_copy.add_text("sweep.json", _json(document), anew=not self.rebuild)
        self._sent_document = document

    def _copy(self, run: Any, made: bool = False) -> RunCopy:
        return RunCopy(self.client, run, self.sent, made)

    def _adopt(self, key: str, runs: list[Any]) -> None:
        """A child that an earlier command made; its trial may be called differently now, or be gone from the file."""
        if key not in self.trials:
            for run in runs:
                if run.info.status == "RUNNING" and run.info.lifecycle_stage == "active":
                    self._copy(run).set_status("KILLED")
            return
        copy = self._copy(one_of(self.client, runs, self.sent))
        child = self.children[key] = _Child(copy, HistoryReader(self.folder.trial(key).history_file))
        if not self.rebuild and copy.status != "RUNNING":
            child.closed = copy.status == "FINISHED" and bool(copy.tags.get("verdict"))
            child.state = copy.tags.get(SENT, "")
        copy.set_tags(run_content.trial_tags(self.trials[key]))

    def _create_experiment(self, name: str) -> str:
        self.sent["experiments"] += 1
        if urlsplit(self.uri).scheme in ("http", "https"):
            return self.client.create_experiment(name, tags=EXPERIMENT)
        artifacts = self.folder.folder.parent.parent / "mlartifacts" / name
        return self.client.create_experiment(name, artifact_location=artifacts.as_uri(), tags=EXPERIMENT)

    def _create_parent(self, name: str) -> RunCopy:
        tags = run_content.parent_tags(self.folder.identity())
        began = [attempts[0]["began"] for key in self.trials if (attempts := self.folder.trial(key).record().attempts)]
        run = self.client.create_run(self.experiment, min(began, default=None), tags, run_name=name)
        self.sent["runs"] += 1
        return self._copy(run, made=True)

    def _child(self, trial: TrialDocument, record: Record) -> _Child:
        """The trial's run, looked up again where something failed before, made where there is none."""
        key = trial["key"]
        child = self.children.get(key)
        if child and not child.doubtful:
            return child
        mine = {"mlflow.parentRunId": self.parent, KIND: "trial", KEY: key}
        found = one_of(self.client, runs_with(self.client, self.experiment, mine, trash=True), self.sent)
        if child and found and child.run_id == found.info.run_id:
            child.copy.renew(found)
            child.doubtful = False
            return child
        if found:
            copy = self._copy(found)
        else:
            tags = run_content.child_tags(self.document["name"], self.parent, trial, record)
            began = int(record.attempts[0]["began"]) if record.attempts else None
            copy = self._copy(self.client.create_run(self.experiment, began, tags, run_name=trial["name"]), made=True)
            self.sent["runs"] += 1
        child = self.children[key] = _Child(copy, HistoryReader(self.folder.trial(key).history_file))
        self._made = True
        return child

    def settings(self, key: str) -> dict[str, Any]:
        """What acts in a trial, by path, from its folder; empty for one that never began, so has no config.json."""
        written = read_json(self.folder.trial(key).config_file)
        if written is None:
            return {}
        config = TrialConfig.model_validate(written)
        return {**effective_settings(config), "data.fingerprint": self.trials[key]["data"], "seed": config.seed}

    def _remember(self) -> None:
        """mirror.json, so that `status` can name the runs without asking MLflow; once a round, as it names them all."""
        runs = {key: child.run_id for key, child in self.children.items()}
        found = {"tracking_uri": without_secrets(self.uri), "experiment": self.experiment, "parent": self.parent}
        write_json(self.folder.mirror_file, {**found, "runs": runs})
        self._made = False

    def follow(self, document: SweepDocument) -> None:
        """The sweep has got more trials. Replaces what a running `sync` reads, so that it may go on beside this."""
        self.document = document
        self.trials = {trial["key"]: trial for trial in document["trials"]}

    # Keeping up

    def sync(self, progress: Callable[[int], None] = lambda done: None) -> None:
        """Sends everything that the folders vouch for and MLflow does not have yet. `progress`: trials looked at.

        A trial that cannot be sent does not keep the others from it; the first such error is raised at the end. If
        MLflow answers nothing else either, Away is raised at once: each trial would wait for its own timeout.
        """
        if not self.parent:
            self.open()
        if self._sent_document is not self.document:
            self._send_document()
        errors: list[Exception] = []
        try:
            self._sync_trials(errors, progress)
        finally:
            if self._made:
                self._remember()
        if errors:
            raise errors[0]

    def _sync_trials(self, errors: list[Exception], progress: Callable[[int], None]) -> None:
        begun = self.folder.begun()
        for done, (key, trial) in enumerate(self.trials.items(), start=1):
            if key not in begun:
                progress(done)
                continue
            try:
                self._sync_trial(trial, self.folder.trial(key))
            except Exception as error:
                if key in self.children:
                    self.children[key].doubtful = True
                if not self._answers():
                    raise Away(first_line(error)) from None
                errors.append(error)
            progress(done)

    def last_answer(self) -> float:
        """When MLflow answered last, by time.monotonic."""
        return self.client.when if self.client else 0.0

    def _answers(self) -> bool:
        try:
            self.client.get_experiment(self.experiment)
        except Exception:
            return False
        return True

    def _sync_trial(self, trial: TrialDocument, folder: TrialFolder) -> None:
        child = self.children.get(trial["key"])
        if child and child.closed:
            return
        record = folder.record()
        if record.status == TrialStatus.RUNNING and not self.runs(folder.key):  # nobody trains it: its process died
            record = replace(record, status=TrialStatus.INTERRUPTED)
        state = run_content.state(record)
        starting = record.status == TrialStatus.RUNNING and not record.applied
        unknown = record.status in (TrialStatus.PENDING, TrialStatus.DAMAGED)
        if unknown or starting or (child and child.state == state):
            return
        child = self._child(trial, record)
        anew = not self.rebuild or child.copy.tags.get(SENT) != state
        described = (len(record.attempts), record.evaluator.get("id", ""))
        if child.described != described:
            self._describe(child, trial, folder, record, anew)
            child.described = described
        ended = record.status != TrialStatus.RUNNING
        if ended:
            folder.written(record)  # raises Damaged: what is wrong here must not be copied
        else:
            child.copy.set_status("RUNNING")
            child.copy.set_tags({"status": str(TrialStatus.RUNNING)})
        self._send_rows(child, record)
        pictures = [(step, file) for step, file in folder.sample_files() if step <= record.step]
        self.left_out.update(child.copy.add_pictures(pictures))
        if child.tail.offset and (ended or child.tail.offset >= GROWTH * child.history):
            child.copy.add_text("history.jsonl", child.tail.text(), anew)
            child.history = child.tail.offset
        if ended:
            self._close(child, folder, record, anew)
            child.closed = record.status == TrialStatus.FINISHED
        child.state = state

    def _describe(self, child: _Child, trial: TrialDocument, folder: TrialFolder, record: Record, anew: bool) -> None:
        """Parameters, the data set and the files that an attempt starts with."""
        copy, settings = child.copy, self.settings(trial["key"])
        copy.set_tags(run_content.child_tags(self.document["name"], self.parent, trial, record))
        if settings:
            copy.add_data(run_content.dataset(settings, self.document["data"][trial["data"]]))
        for file in (folder.config_file, folder.real_file):
            if file.exists():
                copy.add_file(file, anew)
        copy.add_text("environment.json", _json({**record.environment, "applied": record.applied}), anew)
        copy.add_text("evaluator.json", _json(record.evaluator), anew)
        tags = {"evaluator": record.evaluator["id"]} if record.evaluator else {}
        copy.send(run_content.parameters(trial, settings), tags=tags)

    def _send_rows(self, child: _Child, record: Record) -> None:
        if child.tail.rewritten():
            child.tail.rewind()
            child.copy.forget_points()
            child.history = 0
        for rows in child.tail.chunks(record.step):
            child.copy.add_points([point for row in rows for point in run_content.row_points(row)])

    def _close(self, child: _Child, folder: TrialFolder, record: Record, anew: bool) -> None:
        copy = child.copy
        if record.verdict:
            copy.add_text("verdict.json", _json(record.verdict), anew)
            copy.add_text("applied.json", _json(record.applied), anew)
        if record.error:
            copy.add_text(f"error-attempt-{len(record.attempts)}.txt", record.error, anew)
        for file in (folder.generator_file, folder.best_file):
            if file.exists():
                copy.add_file(file, anew)
        ended = record.attempts[-1].get("ended") if record.attempts else None
        copy.set_status(
            {TrialStatus.FINISHED: "FINISHED", TrialStatus.FAILED: "FAILED"}.get(record.status, "KILLED"), ended
        )
        tags = run_content.end_tags(record) | {SENT: run_content.state(record)}
        copy.send(points=run_content.end_points(record), tags=tags)
        copy.forget_points()

    # The end

    def abandon(self) -> None:
        """Marks the parent run as killed, if MLflow can still be reached: something else went wrong already."""
        with suppress(Exception):
            self.client.set_terminated(self.parent, "KILLED")

    def finish(self, status: str, answer: str, report: Path | None) -> None:
        """Closes the parent run with the report's answer as its description."""
        self._set_note(answer)
        if report:
            self.parent_copy.add_file(report, anew=True)
        self.parent_copy.set_status(status)

    def _set_note(self, answer: str) -> None:
        self.parent_copy.set_tags({"mlflow.note.content": run_content.parent_note(self.document["question"], answer)})


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
