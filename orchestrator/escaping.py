"""Text that comes from configurations, written where it could be read as something else than text."""

from __future__ import annotations

import re

MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#])")
FORMULA = re.compile(r"[=+\-@\t\r\n]")
"""What a spreadsheet takes for the start of a formula (OWASP, CSV Injection)."""


def in_markdown(text: str) -> str:
    """Text in which nothing is markup, a link or an image."""
    return MARKDOWN.sub(r"\\\1", text)


def in_csv(value: object) -> object:
    """A cell that no spreadsheet computes: text that looks like a formula gets a quote before it. Numbers stay."""
    if not isinstance(value, str) or not FORMULA.match(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
