"""The output of a job, over lost connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from orchestrator.cluster import job_logs


class Client:
    """Its connections break after so many pieces of the output, one number for each connection."""

    def __init__(self, breaks: list[int]):
        self.breaks = breaks

    async def tail_job_logs(self, job: str) -> AsyncIterator[str]:
        for number, text in enumerate(["one ", "two ", "three"]):
            if self.breaks and number == self.breaks[0]:
                self.breaks.pop(0)
                raise ConnectionError("lost")
            yield text


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_logs, "SECONDS_BETWEEN_CONNECTIONS", 0.0)


def test_the_output_is_shown_once_over_lost_connections() -> None:
    written = list[str]()
    asyncio.run(job_logs._show(Client([1, 0, 2]), "job", written.append))
    assert "".join(written) == "one two three"


def test_a_connection_that_is_lost_each_time_is_given_up() -> None:
    breaks = [0] * (job_logs.MAX_CONNECTIONS + 1)
    with pytest.raises(ConnectionError, match="lost"):
        asyncio.run(job_logs._show(Client(breaks), "job", [].append))
    assert len(breaks) == 1


def test_a_closed_pipe_ends_the_showing() -> None:
    def write(text: str) -> None:
        raise BrokenPipeError

    breaks = [2, 2]
    asyncio.run(job_logs._show(Client(breaks), "job", write))
    assert breaks == [2, 2]
