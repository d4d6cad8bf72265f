"""Settings and numbers that logs hold as texts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

NOT_SET = "not set"
"""The level of a setting in a run whose source has no value for it."""
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_EMPTY = ("", "null", "none", "na", "n/a")
"""Texts of cells that hold no number. NaN is a number."""


def setting_value(value: Any) -> Any:
    """A setting as JSON has it: `1e-3` -> 0.001, `True` -> True, `[0, 0.9]` -> a list; other texts stay."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list | tuple):
        return [setting_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    if text[:1] in ("[", "("):
        try:
            return setting_value(json.loads("[" + text[1:-1] + "]"))
        except ValueError:
            return text
    try:
        number = float(text.replace("_", "x"))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def same_kind(values: Iterable[Any]) -> list[Any]:
    """The levels of one setting: if some are floats, whole numbers are, too; no value is NOT_SET."""
    listed = [NOT_SET if value is None or value == "" else value for value in values]
    if any(isinstance(value, float) for value in listed):
        return [float(value) if _is_int(value) else value for value in listed]
    return listed


def number_of(value: Any) -> float | None:
    """The number of a cell, which may be NaN or infinite; None if it is empty. Raises ValueError for other texts."""
    if value is None or isinstance(value, bool):
        return None if value is None else float(value)
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    if text and "_" not in text:  # most cells
        with suppress(ValueError):
            return float(text)
    text = text.strip().lower()
    if text in _EMPTY:
        return None
    return float(text.replace("_", "x"))  # Python reads 1_000 as a number, and nobody writes that into a log


def seed_of(value: Any) -> int | None:
    """A seed: a whole number from 0 on, below 2^53; None for anything else."""
    value = setting_value(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if _is_int(value) and 0 <= value < 2**53 else None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
