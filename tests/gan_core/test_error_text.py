"""What a message may quote of an exception that names an address."""

from __future__ import annotations

import pytest

from gan_core.error_text import first_line, last_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("cannot reach http://ann:s3cret@host:5000/api", "cannot reach http://host:5000/api"),
        ("(psycopg2) postgresql+psycopg2://ann:s3:cret@db/x?sslmode=require", None),
        ("tried 'https://s3cret@one' and 'https://bob:s3cret@two'", "tried 'https://one' and 'https://two'"),
        (
            "postgresql://ann:top/s3cret@db/x and postgresql://ann:top#s3cret@db/x",
            "postgresql://db/x and postgresql://db/x",
        ),
        ("no 'postgresql:///x?user=ann&password=s3cret'", "no 'postgresql:///x'"),
        ("no http://host:5000/x?token=of@s3cret", "no http://..."),
        ("no mssql:///?odbc_connect=DRIVER={ODBC 17};PWD=s3cret;x=1", "no mssql:/// 17};PWD=...;x=1"),
        ("nothing to hide: ann@host and http://host/a@b", "nothing to hide: ann@host and http://host/a@b"),
    ],
)
def test_user_and_password_of_an_address_are_left_out(text: str, line: str | None) -> None:
    for shortened in (first_line(ConnectionError(f"{text}\nand more")), last_line(f"Traceback\n{text}\n\n")):
        assert "s3cret" not in shortened and "s3:cret" not in shortened
        assert line is None or shortened == line


def test_an_exception_without_a_message_is_named_by_its_class() -> None:
    assert first_line(TimeoutError()) == "TimeoutError"


def test_the_last_line_is_the_last_one_that_is_not_empty() -> None:
    assert last_line("Traceback (most recent call last):\n  ...\nValueError: no\n \n") == "ValueError: no"
    assert last_line("\n") == ""
