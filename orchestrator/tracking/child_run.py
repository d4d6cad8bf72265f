"""The MLflow run of one trial: what its folder holds and MLflow lacks is sent there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core.config.identity import effective_settings
from gan_core.config.trial import TrialConfig
from gan_core.verdict.judge import RULES_VERSION
from orchestrator.store.history_reader import HistoryReader
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import run_content
from orchestrator.tracking.client import SENT_TAG, RunStatus
from orchestrator.tracking.run_writer import RunWriter

HISTORY_GROWTH = 1.25
"""The history.jsonl of a running trial is sent again when it has grown by this factor.

So all copies that are sent add up to 5 times the size of the last one.
"""


@dataclass(frozen=True)
class TrialSource:
    """What the run of a trial is written from. `record`: as it was read at the beginning of this sync."""

    sweep: SweepDocument
    parent_run_id: str
    trial: TrialDocument
    folder: TrialFolder
    record: Record

    def tags(self) -> dict[str, str]:
        return run_content.child_tags(self.sweep["name"], self.parent_run_id, self.trial, self.record)

    def start_ms(self) -> int | None:
        return self.record.attempts[0].began if self.record.attempts else None


def trial_settings(folder: TrialFolder, trial: TrialDocument) -> dict[str, Any]:
    """The settings that act in a trial, by path, from its config.json; {} if the trial never began.

    An imported one has those that were mapped.
    """
    if "settings" in trial:
        return {**trial["settings"], "seed": trial["seed"]}
    content = read_json_or_none(folder.config_file)
    if content is None:
        return {}
    config = TrialConfig.model_validate(content)
    return {**effective_settings(config), "data.fingerprint": trial["data"], "seed": config.seed}


class ChildRun:
    """Sends a trial's rows, sample grids and files; at the end of the trial its verdict and generators.

    `sent_state`: the state of the record of which everything was sent. `is_closed`: the trial is finished and all of
    it was sent. `needs_refresh`: a request failed, so it is unknown what arrived.
    """

    def __init__(self, writer: RunWriter, history_file: Path):
        self.writer, self.history = writer, HistoryReader(history_file)
        self.sent_state = ""
        self.is_closed = False
        self.needs_refresh = False
        self._described_for: tuple[int, str] = (-1, "")  # number of attempts and id of the evaluator
        self._history_bytes_sent = 0

    @property
    def run_id(self) -> str:
        return self.writer.id

    def trust_mlflow(self) -> None:
        """Take from the run's own tags what an earlier command has sent."""
        tags = self.writer.tags
        is_current = bool(tags.get("verdict")) and tags.get("verdict.rules") == str(RULES_VERSION)
        may_go_on = bool(tags.get(run_content.ENDED_EARLY_TAG) or tags.get(run_content.STOPPED_TAG))
        self.is_closed = self.writer.status == RunStatus.FINISHED and is_current and not may_go_on
        self.sent_state = self.writer.tags.get(SENT_TAG, "")

    def send(self, source: TrialSource, compare_all: bool) -> list[Path]:
        """Send what MLflow lacks; returns sample grids that are damaged, which are left out.

        `compare_all`: files of the expected name and size count as sent if the run is tagged with this state.
        Raises DamagedFile if a file of an ended trial is not what its record says, and whatever MLflow raises.
        """
        record, state = source.record, run_content.record_state(source.record)
        resend = not compare_all or self.writer.tags.get(SENT_TAG) != state
        described_for = (len(record.attempts), record.evaluator.get("id", ""))
        if self._described_for != described_for:
            self._describe(source, resend)
            self._described_for = described_for
        has_ended = record.status != TrialStatus.RUNNING
        if has_ended:
            source.folder.written_rows(record)  # raises DamagedFile, so that MLflow gets no copy of a damaged file
        else:
            self.writer.set_status(RunStatus.RUNNING)
            self.writer.add_to_next({}, {"status": str(TrialStatus.RUNNING)})
        self._send_rows(record)
        pictures = [(step, file) for step, file in source.folder.sample_files() if step <= record.step]
        damaged = self.writer.add_pictures(pictures)
        if self.history.offset and (has_ended or self.history.offset >= HISTORY_GROWTH * self._history_bytes_sent):
            self.writer.add_text("history.jsonl", self.history.text(), resend)
            self._history_bytes_sent = self.history.offset
        if has_ended:
            self._close(source.folder, record, resend)
            self.is_closed = record.status == TrialStatus.FINISHED
        else:
            self.writer.send()
        self.sent_state = state
        return damaged

    def _describe(self, source: TrialSource, resend: bool) -> None:
        """Send parameters, the data set and the files that an attempt starts with."""
        trial, record = source.trial, source.record
        settings = trial_settings(source.folder, trial)
        if settings and "settings" not in trial:
            self.writer.add_dataset(run_content.dataset(settings, source.sweep["data"][trial["data"]]))
        for file in (source.folder.config_file, source.folder.real_images_file):
            if file.exists():
                self.writer.add_file(file, resend)
        environment: run_content.LoggedEnvironment = {**record.environment, "applied": record.applied}
        self.writer.add_text("environment.json", to_json(environment), resend)
        self.writer.add_text("evaluator.json", to_json(record.evaluator), resend)
        tags = {"evaluator": record.evaluator["id"]} if record.evaluator else {}
        self.writer.add_to_next(run_content.parameters(trial, settings), source.tags() | tags)

    def _send_rows(self, record: Record) -> None:
        if self.history.is_rewritten():
            self.history.rewind()
            self.writer.forget_points()
            self._history_bytes_sent = 0
        for rows in self.history.unread_chunks(record.step):
            self.writer.add_points([point for row in rows for point in run_content.row_points(row)])

    def _close(self, folder: TrialFolder, record: Record, resend: bool) -> None:
        writer = self.writer
        if record.verdict:
            writer.add_text("verdict.json", to_json(record.verdict), resend)
            writer.add_text("applied.json", to_json(record.applied), resend)
        if record.error:
            writer.add_text(f"error-attempt-{len(record.attempts)}.txt", record.error, resend)
        for file in (folder.generator_file, folder.best_generator_file):
            if file.exists():
                writer.add_file(file, resend)
        end_ms = record.attempts[-1].ended if record.attempts else None
        writer.set_status(run_content.run_status(record), end_ms)
        tags = run_content.end_tags(record) | {SENT_TAG: run_content.record_state(record)}
        writer.send(points=run_content.end_points(record), tags=tags)
        writer.forget_points()


def to_json(value: Any) -> str:
    """As the JSON files among a run's artifacts are written."""
    return json.dumps(value, indent=2)
