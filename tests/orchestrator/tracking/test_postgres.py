"""MLflow in a PostgreSQL that a command is told the address of."""

from __future__ import annotations

import pytest
from support.postgres import postgres_on_loopback

from orchestrator.tracking.client import client_for


def test_a_database_that_was_made_without_a_locale_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres_on_loopback() as server:
        monkeypatch.setenv("PGPASSWORD", server.password)
        client = client_for(server.uri())
        assert client.get_experiment(client.create_experiment("größer")).name == "größer"
