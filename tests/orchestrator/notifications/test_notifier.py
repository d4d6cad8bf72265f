"""Messages to a real server on this machine; to one that refuses, hangs or is not there. Training waits for none."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from support.inbox import Inbox, open_inbox
from support.ports import free_port

from orchestrator.cluster.job_submission import refuse_secrets
from orchestrator.errors import UserError
from orchestrator.notifications.events import Event
from orchestrator.notifications.notifier import Notifier


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as server:
        yield server


ENDED = Event("digits: finished", "4 stable")


def test_each_event_arrives_in_order(inbox: Inbox) -> None:
    notes: list[str] = []
    with Notifier([inbox.url], notes.append) as notifier:
        notifier.send(Event("digits: 2 of 4 diverged", "it goes on"))
        notifier.send(None)
        notifier.send(ENDED)
    assert [(each["title"], each["message"]) for each in inbox.messages] == [
        ("digits: 2 of 4 diverged", "it goes on"),
        ("digits: finished", "4 stable"),
    ]
    assert notes == []


def test_who_does_not_take_it_is_named_once_without_secrets_and_the_others_get_it(
    inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    notes: list[str] = []
    refused, nowhere = inbox.url, f"json://user:secret-71c3@127.0.0.1:{free_port()}/hook?token=secret-08aa"
    inbox.status = 500
    with Notifier([nowhere, refused], notes.append) as notifier:
        notifier.send(ENDED)
        notifier.send(ENDED)
    assert len(inbox.messages) == 2
    assert len(notes) == 2 and all("127.0.0.1" in note and "the sweep goes on" in note for note in notes)
    printed = "".join(capfd.readouterr())
    assert "secret" not in "".join(notes) + printed and printed == ""


def test_a_server_that_never_answers_keeps_nothing_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/?rto=300"
        began = time.monotonic()
        with Notifier([url], notes.append) as notifier:
            notifier.send(ENDED)
            assert time.monotonic() - began < 100, "sending returns at once"
            notifier.hurry()
            assert notifier.seconds_to_send <= 1
        assert notes == ["some notifications were not sent in time"]  # before the server closes: that ends the sending


def test_without_addresses_nothing_is_started() -> None:
    threads = threading.active_count()
    with Notifier([], print) as notifier:
        notifier.send(ENDED)
        assert threading.active_count() == threads


@pytest.mark.parametrize("url", ["nonsense", "xyz://secret-71c3/path", "slack://secret-71c3", ""])
def test_an_address_that_is_none_is_one_clear_line(url: str) -> None:
    with pytest.raises(UserError, match="--notify, address 2") as error:
        Notifier(["json://127.0.0.1", url], print)
    assert "secret" not in str(error.value) and "ntfy://TOPIC" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("words", [["--notify", "ntfy://t"], ["--notify=ntfy://t"]])
def test_it_is_not_sent_to_a_cluster_where_everybody_reads_it(words: list[str]) -> None:
    with pytest.raises(UserError, match="ORCHESTRATE_NOTIFY"):
        refuse_secrets(["sweep", "file.yaml", *words])
