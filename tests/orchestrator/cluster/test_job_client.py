"""The connection to Ray's job server, and what is tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import ray.job_submission

from orchestrator.cluster import job_client
from orchestrator.errors import UserError


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The messages with which the next connections fail, one each; the others succeed."""
    messages = list[str]()

    class Client:
        def __init__(self, address: str):
            if messages:
                raise RuntimeError(messages.pop(0))

        def list_jobs(self) -> list[object]:
            return []

    monkeypatch.setattr(ray.job_submission, "JobSubmissionClient", Client)
    monkeypatch.setattr(job_client, "check_address", lambda address: None)
    monkeypatch.setattr(job_client, "prepare_to_join", lambda: None)
    yield messages
    logging.disable(logging.NOTSET)


def test_a_client_server_that_died_as_it_started_is_asked_for_again(failures: list[str]) -> None:
    failures += [job_client.SERVER_START_FAILED] * (job_client.MAX_CONNECTION_ATTEMPTS - 1)
    assert job_client.connect("ray://head:10001").list_jobs() == []
    assert not failures


def test_a_client_server_that_dies_each_time_is_named(failures: list[str]) -> None:
    failures += [job_client.SERVER_START_FAILED] * (job_client.MAX_CONNECTION_ATTEMPTS + 1)
    with pytest.raises(UserError, match=r"^no job can be submitted to ray://head:10001: Starting Ray client server"):
        job_client.connect("ray://head:10001")
    assert len(failures) == 1


def test_other_failures_are_not_tried_again(failures: list[str]) -> None:
    failures += ["no route to host", "a second attempt"]
    with pytest.raises(UserError, match="no route to host"):
        job_client.connect("ray://head:10001")
    assert failures == ["a second attempt"]
