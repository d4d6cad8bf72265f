"""One line of an error, as messages, tables and lists show it."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"://([^\s'\"]+)")
"""What follows the scheme of an address, such as `ann:secret@host/db` in `postgresql://ann:secret@host/db`."""
SECRET = re.compile(r"\b(password|passwd|pwd|token|secret)=[^;&\s'\"]+", re.IGNORECASE)
"""A value as `PWD=secret` in the connection string of a database."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or the name of its class if it has no message.

    Credentials in addresses are left out: the exceptions of MLflow and SQLAlchemy quote the address they failed at.
    """
    lines = str(error).strip().splitlines()
    return without_credentials(lines[0] if lines else type(error).__name__)


def last_line(text: str) -> str:
    """The last line of a traceback that is not empty: the exception itself. Credentials in addresses are left out."""
    lines = text.strip().splitlines()
    return without_credentials(lines[-1].strip() if lines else "")


def without_credentials(text: str) -> str:
    """`text` with user, password and query removed from every address in it, and without values named as secrets."""
    return SECRET.sub(r"\1=...", ADDRESS.sub(lambda match: f"://{_without_credentials(match[1])}", text))


def _without_credentials(address: str) -> str:
    """The host and path of an address; `...` if it cannot be told where they begin."""
    user, at, host = address.rpartition("@")
    if at and "?" in user:
        return "..."
    is_user = at and (":" in user.partition("/")[0] or "/" not in user)
    return (host if is_user else address).partition("?")[0]
