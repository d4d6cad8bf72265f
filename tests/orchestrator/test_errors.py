"""What a message may hold of an exception that names an address."""

from __future__ import annotations

import pytest

from orchestrator.errors import first_line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("cannot reach http://ann:s3cret@host:5000/api", "cannot reach http://host:5000/api"),
        ("(psycopg2) postgresql+psycopg2://ann:s3:cret@db/x?sslmode=require", None),
        ("tried 'https://s3cret@one' and 'https://bob:s3cret@two'", "tried 'https://one' and 'https://two'"),
        ("nothing to hide: ann@host and http://host/a@b", "nothing to hide: ann@host and http://host/a@b"),
    ],
)
def test_user_and_password_of_an_address_are_left_out(said: str, line: str | None) -> None:
    found = first_line(ConnectionError(f"{said}\nand more"))
    assert "s3cret" not in found and "s3:cret" not in found
    assert line is None or found == line


def test_an_exception_without_words_is_told_by_its_name() -> None:
    assert first_line(TimeoutError()) == "TimeoutError"
