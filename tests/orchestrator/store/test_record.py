"""`record.json`: the same file whichever version of the program writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gan_core.verdict.judge import Verdict
from gan_core.verdict.names import VerdictName
from orchestrator.store.history_log import HistoryDigest
from orchestrator.store.json_files import write_json
from orchestrator.store.record import Attempt, Record, recorded
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import AttemptOutcome, Cause, TrialStatus

WRITTEN: dict[str, Any] = {
    "key": "key",
    "status": "finished",
    "step": 8,
    "verdict": {"name": "stable", "since": None, "reason": "no event", "evidence": {"frechet_best": 1.5}},
    "metrics": {"loss/generator": 0.5},
    "applied": {"device": "cpu", "precision": "float32"},
    "evaluator": {"id": "random-1", "dimensions": 64},
    "best": {"step": 4, "frechet/random-1": 1.5},
    "environment": {"packages": {"torch": "2.11"}},
    "seconds": 1.25,
    "error": None,
    "attempts": [
        {
            "began": 1,
            "from_step": 0,
            "host": "one",
            "process": 7,
            "device": "cpu",
            "node": "10.0.0.1",
            "outcome": "lost",
            "ended": 2,
            "to_step": 4,
            "message": "its worker was killed",
        },
        {
            "began": 3,
            "from_step": 4,
            "host": "one",
            "process": 8,
            "device": "cpu",
            "outcome": "finished",
            "note": "checkpoint.pt was damaged; went on from step 4",
            "ended": 5,
            "to_step": 8,
        },
    ],
    "history": {"bytes": 3, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
}


def test_a_record_is_written_as_it_was_read() -> None:
    assert json.dumps(Record.from_json(WRITTEN).to_json()) == json.dumps(WRITTEN)


def test_a_record_is_read_with_its_types() -> None:
    record = Record.from_json(WRITTEN)
    assert record.status is TrialStatus.FINISHED
    lost, finished = record.attempts
    assert lost.outcome is Cause.LOST_WORKER and finished.outcome is AttemptOutcome.FINISHED
    assert record.history is not None
    assert record.history.matches(b"abc and more")
    assert not record.history.matches(b"abd")
    assert record.open_attempt is None


def test_a_new_record_is_written_as_before() -> None:
    assert Record("key").to_json() == {
        "key": "key",
        "status": "pending",
        "step": 0,
        "verdict": None,
        "metrics": {},
        "applied": {},
        "evaluator": {},
        "best": {},
        "environment": {},
        "seconds": 0.0,
        "error": None,
        "attempts": [],
        "history": {},
    }


def test_fields_of_another_version_in_an_attempt_are_written_back() -> None:
    written = {"began": 1, "from_step": 0, "host": "one", "process": 7, "outcome": "running", "colour": "blue"}
    attempt = Attempt.from_json(written)
    assert attempt.to_json() == written
    attempt.close(AttemptOutcome.INTERRUPTED, "", ended=2, to_step=3)
    assert attempt.to_json() == written | {"outcome": "interrupted", "ended": 2, "to_step": 3}


def test_an_outcome_of_another_version_is_read_and_written_back() -> None:
    written = {"began": 1, "from_step": 0, "host": "one", "process": 7, "outcome": "moved to the moon"}
    attempt = Attempt.from_json(written)
    assert attempt.outcome == "moved to the moon"
    assert attempt.to_json() == written


def test_verdicts_and_outcomes_are_written_as_plain_words() -> None:
    record = Record("key", verdict=recorded(Verdict(VerdictName.COLLAPSED, 4, "why", {})))
    record.attempts = [Attempt(began=1, from_step=0)]
    record.attempts[0].close(Cause.OUT_OF_MEMORY, "")
    written = json.loads(json.dumps(record.to_json()))
    assert (written["verdict"]["name"], written["attempts"][0]["outcome"]) == ("collapsed", "out of memory")


def test_an_attempt_whose_process_did_not_tell_its_end_has_no_end() -> None:
    record = Record("key", attempts=[Attempt(began=1, from_step=0)])
    assert record.open_attempt is not None
    record.open_attempt.close(Cause.LOST_WORKER, "its worker was killed")
    assert record.open_attempt is None
    assert not {"ended", "to_step"} & record.attempts[0].to_json().keys()


@pytest.mark.parametrize(
    "change",
    [{"colour": "blue"}, {"status": "asleep"}, {"attempts": [{"outcome": "lost"}]}, {"attempts": [7]}, {"history": 7}],
)
def test_a_record_that_is_not_understood_counts_as_damaged(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = TrialFolder(tmp_path / "key")
    folder.folder.mkdir()
    write_json(folder.record_file, WRITTEN | change)
    record = folder.record()
    assert (record.status, record.step) == (TrialStatus.DAMAGED, 0)
    assert "record.json is damaged" in str(record.error)


def test_a_record_that_says_running_is_interrupted_without_a_process() -> None:
    record = Record("key", TrialStatus.RUNNING)
    assert record.current_status(is_held=True) == "running"
    assert record.current_status(is_held=False) == "interrupted"


def test_a_digest_is_written_as_bytes_and_sha256() -> None:
    assert HistoryDigest(3, "ab").to_json() == {"bytes": 3, "sha256": "ab"}
