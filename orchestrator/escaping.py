"""Escapes text from sweep files, which Markdown would render as markup and a spreadsheet would run as a formula."""

from __future__ import annotations

import re

MARKDOWN_SYNTAX = re.compile(r"([\\`*_{}\[\]<>|#])")
FORMULA_START = re.compile(r"[=+\-@\t\r\n]")
"""The characters that a spreadsheet takes as the start of a formula (OWASP, CSV Injection)."""


def escape_markdown(text: str) -> str:
    """The text with a backslash before every character that Markdown could read as markup, a link or an image."""
    return MARKDOWN_SYNTAX.sub(r"\\\1", text)


def escape_csv_cell(value: object) -> object:
    """A cell that no spreadsheet computes: text that looks like a formula gets a quote in front. Numbers stay."""
    if not isinstance(value, str) or not FORMULA_START.match(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
