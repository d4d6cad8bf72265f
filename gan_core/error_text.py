"""One line of an error, as messages, tables and lists show it."""

from __future__ import annotations

import re

CREDENTIALS_IN_ADDRESS = re.compile(r"://[^/\s'\"]*@")
"""User and password before the host of an address, such as `postgresql://ann:secret@host/db`."""


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
    """`text` with user and password removed from every address in it."""
    return CREDENTIALS_IN_ADDRESS.sub("://", text)
