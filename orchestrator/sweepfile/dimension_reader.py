"""Reads one dimension of a `sample:`, such as `{log_uniform: [1e-5, 1e-1]}`, or says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from orchestrator.errors import did_you_mean, short_repr
from orchestrator.formatting import format_level
from orchestrator.space import Choice, Dimension, Integers, Interval

KINDS = ("log_uniform", "uniform", "integers", "choice")
OTHER_NAMES = {
    "log": "log_uniform",
    "loguniform": "log_uniform",
    "float": "uniform",
    "range": "uniform",
    "int": "integers",
    "integer": "integers",
    "randint": "integers",
    "quniform": "integers",
    "categorical": "choice",
    "choices": "choice",
    "values": "choice",
    "gridsearch": "choice",
}
"""What other programs call a kind, in lower-case letters -> its name here."""
EXAMPLES = "such as {log_uniform: [1e-5, 1e-1]}, {uniform: [0, 0.9]}, {integers: [8, 64], step: 8} or {choice: [0, 1]}"
MOVE = "move it to `trial:`"


class WrongDimension(ValueError):
    """What is wrong with a dimension, and what would be right, in one line."""


def dimension(path: str, written: Any) -> Dimension:
    """The dimension of the setting `path`. `written`: its value in the file, as plain Python. Raises WrongDimension."""
    if not isinstance(written, Mapping):
        raise WrongDimension(_no_mapping(written))
    kinds = [name for name in written if name in KINDS]
    unknown = [str(name) for name in written if name not in (*KINDS, "step")]
    if unknown:
        raise WrongDimension(f"{unknown[0]} is no way to draw values{_kind_hint(unknown[0])}")
    if len(kinds) != 1:
        raise WrongDimension(f"{'two ways' if kinds else 'no way'} to draw values; write one, {EXAMPLES}")
    kind = kinds[0]
    if "step" in written and kind != "integers":
        raise WrongDimension(f"a step belongs to integers, not to {kind}; leave it out")
    if kind == "choice":
        return _choice(path, written[kind])
    low, high = _ends(kind, written[kind])
    return (
        _integers(path, low, high, written.get("step", 1)) if kind == "integers" else _interval(path, kind, low, high)
    )


def _no_mapping(written: Any) -> str:
    if isinstance(written, list):
        levels = f"[{', '.join(map(format_level, written[:4]))}{', ...' if len(written) > 4 else ''}]"
        return f"a list does not say how to draw: write {{choice: {levels}}}, or list levels under `grid:`"
    if isinstance(written, str) and (call := re.fullmatch(r"\s*([\w-]+)\s*\((.*)\)\s*", written)):
        kind = kind_called(call[1])
        return f"{short_repr(written)} is text; write {{{kind or 'log_uniform'}: [{call[2].strip('[] ')}]}}"
    if written is None or isinstance(written, str):
        return f"a way to draw values is needed, {EXAMPLES}"
    return f"{short_repr(written)} is one value: {MOVE}, or write a way to draw values, {EXAMPLES}"


def kind_called(name: object) -> str | None:
    """The way to draw values that has this name, here or in another program."""
    letters = re.sub("[^a-z]", "", str(name).lower())
    return next((kind for kind in KINDS if kind.replace("_", "") == letters), OTHER_NAMES.get(letters))


def _kind_hint(name: str) -> str:
    known = kind_called(name)
    return f", did you mean {known}?" if known else did_you_mean(name, list(KINDS)) or f"; write one, {EXAMPLES}"


def _ends(kind: str, written: Any) -> tuple[Any, Any]:
    example = {"log_uniform": "[1e-5, 1e-1]", "uniform": "[0.0, 0.9]", "integers": "[8, 64]"}[kind]
    if not isinstance(written, list) or len(written) != 2 or not all(map(_is_finite, written)):
        raise WrongDimension(f"{short_repr(written)} is no range; write its two ends as numbers, as {kind}: {example}")
    low, high = written
    if low > high:
        raise WrongDimension(
            f"the range is upside down; write {kind}: [{format_level(high)}, {format_level(low)}], the lower end first"
        )
    if low == high:
        raise WrongDimension(f"the range is empty, it holds {format_level(low)} alone: {MOVE}")
    return low, high


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53 and isfinite(value)


def _interval(path: str, kind: str, low: float, high: float) -> Interval:
    if kind == "log_uniform" and low <= 0:
        raise WrongDimension(
            f"a logarithm needs numbers above 0, and the range begins at {format_level(low)}; begin above 0, or write "
            f"uniform: [{format_level(low)}, {format_level(high)}]"
        )
    if (high - low) / max(abs(low), abs(high)) < 1e-9:
        raise WrongDimension("the ends of the range are too close to each other")
    return Interval(path, float(low), float(high), is_log=kind == "log_uniform")


def _integers(path: str, low: Any, high: Any, step: Any) -> Integers:
    if not all(float(value).is_integer() and isinstance(value, int) for value in (low, high)):
        raise WrongDimension("integers go from one whole number to another, such as [8, 64]; or write uniform")
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise WrongDimension(f"step {short_repr(step)} is not allowed; write a whole number of at least 1")
    if (high - low) % step:
        below = high - (high - low) % step
        fitting = [end for end in (below, below + step) if end > low]
        ranges = " or ".join(f"[{low}, {end}]" for end in fitting)
        raise WrongDimension(f"steps of {step} from {low} do not reach {high}; write {ranges}")
    return Integers(path, low, high, step)


def _choice(path: str, levels: Any) -> Choice:
    if not isinstance(levels, list) or not levels:
        raise WrongDimension("a choice is a list of levels, such as {choice: [0.0, 0.1, 0.3]}")
    texts = [format_level(level) for level in levels]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise WrongDimension(f"{twice} is listed twice; list each level once")
    if len(levels) == 1:
        raise WrongDimension(f"a choice of one value, {texts[0]}, is none: {MOVE}")
    return Choice(path, tuple(levels))
