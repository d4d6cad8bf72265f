"""The MLflow mirror: one parent run a sweep, one child a trial, kept up with the trials' folders by one writer.

The folders are the truth and MLflow a copy. The writer sends what a trial's record vouches for (rows and pictures up to
the step of its checkpoint), so nothing that it has sent is ever taken back. Every row carries its own time, and MLflow
keeps a point of the same run, key, step, time and value once: sending again what was sent before changes nothing. That
is all the bookkeeping there is; which runs exist is asked of MLflow, by the trial's key in a tag.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator import description
from orchestrator.addresses import without_secrets
from orchestrator.errors import UserError, first_line
from orchestrator.store import Record, SweepFolder, TrialFolder, write_json
from orchestrator.tracking import FOLDER, KEY, KIND, children_of, client_for, images_of

EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}  # the UI's pages for training, not for agents
MOST_METRICS = 1000
"""MLflow's limit for one batch."""


@dataclass
class _Child:
    """How far the mirror of one trial is."""

    run_id: str
    closed: bool
    described: str  # the evaluator that its description names; "" while there is none
    rows: int = 0
    pictures: frozenset[int] | None = None
    running: bool = False
    left: tuple[str, int] = ("", 0)  # status and attempts when the run was last terminated


class Mirror:
    """Keeps MLflow up with a sweep's folder.

    `document`: the sweep as in sweep.json. `settings`: a trial's key -> its effective settings by dotted path.
    """

    def __init__(self, folder: SweepFolder, uri: str, document: dict[str, Any], settings: dict[str, dict[str, Any]]):
        self.folder, self.uri, self.document, self.settings = folder, uri, document, settings
        self.trials = {trial["key"]: trial for trial in document["trials"]}
        self.children: dict[str, _Child] = {}
        self.parent = ""

    # The runs

    def open(self) -> None:
        """Finds or makes the experiment, the parent run and what it knows of the children.

        Raises UserError if MLflow cannot be used there.
        """
        try:
            self._open()
        except UserError:
            raise
        except Exception as error:  # MLflow, SQLAlchemy and requests each have errors of their own
            shown = without_secrets(self.uri)
            raise UserError(f"MLflow at {shown} cannot be used: {first_line(error)}; check the address") from None

    def _open(self) -> None:
        self.client = client_for(self.uri)
        name = self.document["name"]
        found = self.client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            raise UserError(
                f"experiment {name!r} was deleted in MLflow; restore it there, or give the sweep another name"
            )
        self.experiment = found.experiment_id if found else self._create_experiment(name)
        mine = f"tags.`{KIND}` = 'sweep' AND tags.`{FOLDER}` = '{self.folder.identity()}'"
        parents = self.client.search_runs([self.experiment], mine, max_results=1)
        self.parent = parents[0].info.run_id if parents else self._create_parent(name)
        self.client.update_run(self.parent, status="RUNNING")
        self._set_note("")
        self.client.log_dict(self.parent, self.document, "sweep.json")
        if Path(self.document["file"]).is_file():
            self.client.log_text(self.parent, Path(self.document["file"]).read_text(), "sweep.yaml")
        for run in children_of(self.client, self.experiment, self.parent):
            self._adopt(run)
        self._remember()

    def _adopt(self, run: Any) -> None:
        """A child that an earlier command made; its trial may be called differently now, or be gone from the file."""
        tags, key = run.data.tags, run.data.tags[KEY]
        if key not in self.trials:
            if run.info.status == "RUNNING":
                self.client.set_terminated(run.info.run_id, "KILLED")
            return
        closed = run.info.status == "FINISHED" and bool(tags.get("verdict"))
        self.children[key] = _Child(run.info.run_id, closed, described=tags.get("evaluator", ""))
        for name, value in description.trial_tags(self.trials[key]).items():
            if tags.get(name) != value:
                self.client.set_tag(run.info.run_id, name, value)

    def _create_experiment(self, name: str) -> str:
        if urlsplit(self.uri).scheme in ("http", "https"):
            return self.client.create_experiment(name, tags=EXPERIMENT)
        artifacts = self.folder.folder.parent.parent / "mlartifacts" / name
        return self.client.create_experiment(name, artifact_location=artifacts.as_uri(), tags=EXPERIMENT)

    def _create_parent(self, name: str) -> str:
        tags = description.parent_tags(self.folder.identity())
        return self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id

    def _create_child(self, trial: dict[str, Any], record: Record) -> _Child:
        tags = description.child_tags(self.document["name"], self.parent, trial, record)
        began = int(record.attempts[0]["began"]) if record.attempts else None
        run = self.client.create_run(self.experiment, began, tags, run_name=trial["name"])
        child = _Child(run.info.run_id, closed=False, described="", pictures=frozenset(), running=True)
        self.children[trial["key"]] = child
        self._remember()
        return child

    def _describe_child(self, child: _Child, trial: dict[str, Any], record: Record) -> None:
        """Parameters, the data set and the files that a trial starts with."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, Param

        folder, settings = self.folder.trial(trial["key"]), self.settings[trial["key"]]
        card = self.document["data"][settings["data.fingerprint"]]
        data = Dataset(**description.dataset(settings, card))
        self.client.log_inputs(child.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
        if folder.config_file.exists():
            self.client.log_artifact(child.run_id, str(folder.config_file))
        self.client.log_dict(child.run_id, {**record.environment, "applied": record.applied}, "environment.json")
        self.client.log_dict(child.run_id, record.evaluator, "evaluator.json")
        if folder.real_file.exists():
            self.client.log_artifact(child.run_id, str(folder.real_file))
        shown = [Param(path, value) for path, value in description.parameters(trial, settings).items()]
        self.client.log_batch(child.run_id, params=shown)
        if record.evaluator:  # last: with it a run is described whole; a trial that failed early is described again
            self.client.set_tag(child.run_id, "evaluator", record.evaluator["id"])
            child.described = record.evaluator["id"]

    def _remember(self) -> None:
        """mirror.json, so that `status` can name the runs without asking MLflow."""
        runs = {key: child.run_id for key, child in self.children.items()}
        found = {"tracking_uri": without_secrets(self.uri), "experiment": self.experiment, "parent": self.parent}
        write_json(self.folder.mirror_file, {**found, "runs": runs})

    def follow(self, document: dict[str, Any], settings: dict[str, dict[str, Any]]) -> None:
        """The sweep has got more trials. Replaces what a running `sync` reads, so that it may go on beside this."""
        self.document, self.settings = document, settings
        self.trials = {trial["key"]: trial for trial in document["trials"]}
        self.client.log_dict(self.parent, document, "sweep.json")

    # Keeping up

    def sync(self) -> None:
        """Sends everything that the folders vouch for and MLflow does not have yet.

        A trial that cannot be sent does not keep the others from it; the first such error is raised at the end.
        """
        errors: list[Exception] = []
        for key, trial in self.trials.items():
            try:
                self._sync_trial(trial, self.folder.trial(key))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _sync_trial(self, trial: dict[str, Any], folder: TrialFolder) -> None:
        child = self.children.get(trial["key"])
        if child and child.closed:
            return
        record = folder.record()
        starting = record.status == "running" and not record.applied
        unknown = record.status in ("pending", "damaged")
        if unknown or starting or (child and child.left == (record.status, len(record.attempts))):
            return
        child = child or self._create_child(trial, record)
        if not child.described or child.described != record.evaluator.get("id"):
            self._describe_child(child, trial, record)
        if record.status == "running" and not child.running:
            self.client.update_run(child.run_id, status="RUNNING")
            self.client.set_tag(child.run_id, "status", "running")
            child.running = True
        rows = folder.history(up_to=record.step)
        if len(rows) > child.rows:
            self._send_rows(child, rows)
            self.client.log_text(child.run_id, "".join(json.dumps(row) + "\n" for row in rows), "history.jsonl")
        self._send_pictures(child, [(step, file) for step, file in folder.sample_files() if step <= record.step])
        if record.status != "running":
            self._close_child(child, folder, record)

    def _send_rows(self, child: _Child, rows: list[dict[str, float]]) -> None:
        batch: list[description.Point] = []
        sent = child.rows
        for number, row in enumerate(rows[child.rows :], start=child.rows + 1):
            points = description.row_points(row)
            if len(batch) + len(points) > MOST_METRICS:
                self._send_points(child, batch)
                batch, child.rows = [], sent
            batch += points
            sent = number
        if batch:
            self._send_points(child, batch)
            child.rows = sent

    def _send_points(self, child: _Child, points: list[description.Point]) -> None:
        from mlflow.entities import Metric

        self.client.log_batch(child.run_id, metrics=[Metric(*point) for point in points])

    def _set_tags(self, child: _Child, tags: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        self.client.log_batch(child.run_id, tags=[RunTag(name, value) for name, value in tags.items()])

    def _send_pictures(self, child: _Child, pictures: list[tuple[int, Path]]) -> None:
        from PIL import Image

        if child.pictures is None:
            child.pictures = frozenset(step for _, step, _ in images_of(self.client, child.run_id))
        for step, file in pictures:
            if step not in child.pictures:
                with Image.open(file) as image:
                    self.client.log_image(child.run_id, image, key="samples", step=step)
                child.pictures |= {step}

    def _close_child(self, child: _Child, folder: TrialFolder, record: Record) -> None:
        if record.verdict:
            self.client.log_dict(child.run_id, record.verdict, "verdict.json")
            self.client.log_dict(child.run_id, record.applied, "applied.json")
        if points := description.end_points(record):
            self._send_points(child, points)
        if record.error:
            self.client.log_text(child.run_id, record.error, f"error-attempt-{len(record.attempts)}.txt")
        for file in (folder.generator_file, folder.best_file):
            if file.exists():
                self.client.log_artifact(child.run_id, str(file))
        self._set_tags(child, description.end_tags(record))
        ended = record.attempts[-1].get("ended") if record.attempts else None
        status = {"finished": "FINISHED", "failed": "FAILED"}.get(record.status, "KILLED")
        self.client.set_terminated(child.run_id, status, ended)
        child.running, child.closed = False, record.status == "finished"
        child.left = (record.status, len(record.attempts))

    # The end

    def abandon(self) -> None:
        """Marks the parent run as killed, if MLflow can still be reached: something else went wrong already."""
        with suppress(Exception):
            self.client.set_terminated(self.parent, "KILLED")

    def finish(self, status: str, answer: str, report: Path | None) -> None:
        """Closes the parent run with the report's answer as its description."""
        self._set_note(answer)
        if report:
            self.client.log_artifact(self.parent, str(report))
        self.client.set_terminated(self.parent, status)

    def _set_note(self, answer: str) -> None:
        note = description.parent_note(self.document["question"], answer)
        self.client.set_tag(self.parent, "mlflow.note.content", note)
