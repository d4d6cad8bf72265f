"""Servers that do and do not answer."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orchestrator.cluster.address import check_address
from orchestrator.errors import UserError
from orchestrator.tracking.address import check_uri, without_secrets


def test_a_server_that_wants_a_password_answers_all_the_same() -> None:
    class Guarded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        check_uri(f"http://127.0.0.1:{server.server_port}")
        thread.join()


def test_a_database_that_does_not_answer_is_noticed_at_once() -> None:
    with pytest.raises(UserError, match=r"postgresql://127\.0\.0\.1:9/x does not answer"):
        check_uri("postgresql://ann:s3cret@127.0.0.1:9/x")


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns"])
def test_a_folder_is_refused_as_a_tracking_store(uri: str) -> None:
    with pytest.raises(UserError, match="sqlite:///"):
        check_uri(uri)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:s3cret@host:5000/x", "http://host:5000/x"),
        ("http://ann:s3cret@[::1]:5000", "http://[::1]:5000"),
        ("http://host:5000/x?token=s3cret#s3cret", "http://host:5000/x"),
        ("postgresql://ann:s3cret@host/db", "postgresql://host/db"),
        ("postgresql://host/db?user=ann&password=s3cret", "postgresql://host/db"),
        ("postgresql://host/db#s3cret", "postgresql://host/db"),
        ("postgresql:///db?user=ann&password=s3cret", "postgresql:///db"),
        ("postgresql://ann:top#s3cret@host/db", "postgresql://host/db"),
        ("postgresql://ann:top/s3cret@host:1/db", "postgresql://host:1/db"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER={ODBC 17};PWD=s3cret", "mssql+pyodbc:///"),
        ("sqlite+pysqlite:////home/ann/a%3Fb/x.db?cipher=s3cret", "sqlite+pysqlite:////home/ann/a%3Fb/x.db"),
    ],
)
def test_passwords_never_reach_a_message_or_a_file(uri: str, shown: str) -> None:
    assert without_secrets(uri) == shown


@pytest.mark.parametrize(
    "uri",
    [
        "ann:s3cret@host/db",
        "postgresql://ann:s3cret",
        "postgresql://ann:top@s3cret@host/db",
        "postgresql://ann:top@a/s3cret@host/db",
        "postgresql://ann:top?s3cret@host/db",
        "postgresql://host:5432/db?password=top@s3cret",
        "postgresql://ann:pass@host:s3cret/db",
        "http://ann:top/s3cret@host:5000",
        "http://ann:top#s3cret@host:5000",
        "http://ann:top@s3cret@host:5000",
        "sqlite://ann:s3cret@host/db",
        "s3cret",
    ],
)
def test_an_address_that_cannot_be_read_is_not_shown_at_all(uri: str) -> None:
    for refuse in (without_secrets, check_uri):
        with pytest.raises(UserError, match="postgresql://USER:PASSWORD@HOST") as caught:
            refuse(uri)
        assert "s3cret" not in str(caught.value)


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 does not answer") as caught:
        check_uri("http://ann:s3cret@127.0.0.1:9?token=s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("address", ["localhost:9", "127.0.0.1:9", "ray://127.0.0.1:9"])
def test_a_cluster_that_does_not_answer_is_named(address: str) -> None:
    with pytest.raises(UserError, match=f"no Ray cluster answers at {address}"):
        check_address(address)


def test_an_address_without_a_port_is_shown_how_to_be_written() -> None:
    with pytest.raises(UserError, match="HOST:6379"):
        check_address("somewhere")


@pytest.mark.parametrize(
    ("uri", "missing"), [("mysql://u:secret@127.0.0.1/db", "MySQLdb"), ("odd://127.0.0.1/db", "odd://")]
)
def test_a_database_that_python_cannot_speak_to_is_named_with_what_it_needs(uri: str, missing: str) -> None:
    with pytest.raises(UserError, match=missing) as caught:
        check_uri(uri)
    assert "secret" not in str(caught.value)
