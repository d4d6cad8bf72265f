"""What to write instead of a value or a name that a sweep file cannot have."""

from __future__ import annotations

import math
import re
from typing import Any

from gan_core.config.elements import ELEMENTS
from gan_core.config.identity import setting_paths
from orchestrator.errors import did_you_mean, short_repr
from orchestrator.formatting import SHORT_NAMES, count_of, format_level
from orchestrator.space import Choice, Dimension, Interval

NUMBERS = {"int_type", "int_from_float", "float_type", "finite_number"}
"""Kinds of pydantic's errors for a value that is not the number that a setting needs."""
NEEDED = {
    "betas": "two numbers of at least 0 and less than 1, such as [0.5, 0.999]",
    "background": "white, black or a colour in quotes, such as '#ff8800'",
    "classes": "a list of class names or indices, such as [0, 1]",
}
"""What is needed for a setting with this last name, where pydantic's message would be about tuples."""
OTHER_NAMES = {
    "learning_rate": "optimizer.lr",
    "iterations": "steps",
    "n_steps": "steps",
    "max_steps": "steps",
    "dataset": "data.name",
    "architecture": "model.family",
    "z_dim": "model.latent_dim",
    "nz": "model.latent_dim",
    **{short: path for path, short in SHORT_NAMES.items()},
}
"""How else a setting is called -> its path."""
EPOCHS = {"epoch", "epochs", "n_epochs", "num_epochs", "max_epochs"}
DISTRIBUTIONS = re.compile(
    r"q?(log_?)?(uniform|normal)(_values)?|log|choice|integers|rand_?int|grid_search|(lin|log|geom)space|a?range"
    r"|distribution"
)
"""What programs that search for settings call a way to draw values."""
DRAWN = "{log_uniform: [1e-5, 1e-1]}"
LISTS_ONLY = (
    "a grid draws no values: list its levels, such as [1e-4, 1e-3, 1e-2], or draw them under the group's `sample:`, "
    f"as {DRAWN}"
)


def value_hint(path: str, given: Any, kind: str, message: str) -> str:
    """What to write as the value of a setting. `kind`, `message`: of pydantic's error about the value `given`."""
    needed = NEEDED.get(path.rsplit(".", 1)[-1])
    if needed:
        return f"write {needed}"
    if kind == "bool_type":
        return "write true or false"
    if kind in NUMBERS:
        noun = "whole number" if kind.startswith("int") else "number"
        return f"write a {noun}{_example(given, whole=kind.startswith('int'))}"
    rule = message.removeprefix("Input should be ").removeprefix("Value error, ")
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", rule)
        return f"write {rule}{did_you_mean(str(given), names) if names else ''}"
    if kind == "string_type":
        return "write text, in quotes"
    bound = re.match(r"(greater|less) than", rule)
    return f"write a number {rule}" if bound else f"needed: {rule}"


def _example(given: Any, whole: bool) -> str:
    """`, such as 1000` for 1000.0 or "1000": the number that was probably meant."""
    if isinstance(given, bool):
        return "; 0 is off" if given is True and not whole else ""
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        return ""
    if number != number or abs(number) >= 2**53 or (whole and number != round(number)):
        return ""
    text = str(round(number)) if whole else format_level(number)
    return f" without quotes: {text}" if isinstance(given, str) else f" without a point or an exponent: {text}"


def dimension_hint(dimension: Dimension, given: Any, kind: str, right: str) -> str:
    """What is wrong with a dimension that draws this value. kind: of pydantic's error. right: what a value must be."""
    if isinstance(dimension, Choice):
        return f"{short_repr(given)} is not allowed; {right}"
    if kind.startswith("int") and isinstance(dimension, Interval):
        ends = f"[{math.ceil(dimension.low)}, {math.floor(dimension.high)}]"
        return f"takes whole numbers: write {{integers: {ends}}}, or a choice"
    elements = [path for path, (setting, _) in ELEMENTS.items() if setting == dimension.path]
    if elements:
        return f"is a list, which has no range; draw an element, as {elements[0]}, or a choice of lists"
    if kind in ("bool_type", "string_type", "literal_error"):
        return f"has no range; write {{choice: [...]}} ({right.removeprefix('write ')})"
    return f"the range reaches {format_level(given)}, which is not allowed; {right}"


def name_hint(setting: str) -> str:
    """What an unknown setting probably stands for, as the end of a message."""
    last = setting.rsplit(".", 1)[-1]
    if DISTRIBUTIONS.fullmatch(re.split(r"\W", last, maxsplit=1)[0].lower()):
        return f"; {LISTS_ONLY}"
    if last in EPOCHS:
        return "; length is counted in generator updates: write steps (an epoch is the images / batch_size)"
    if last.count(")") != last.count("("):
        return "; between { and } a comma ends a value: put a value with commas into brackets [ ]"
    settings = [path for path in setting_paths() if path != "seed"]
    intended = OTHER_NAMES.get(last)
    return f", did you mean {intended}?" if intended else did_you_mean(setting, settings)


def drawing_hint(setting: str, below: str) -> str:
    """Where to draw values of a setting, if `below`, a key under it, is called like a way to; else ""."""
    if not DISTRIBUTIONS.fullmatch(re.split(r"\W", below.removeprefix(f"{setting}."), maxsplit=1)[0].lower()):
        return ""
    return f"values are drawn under `sample:` of a group alone: there, write `{setting}: {DRAWN}` beside `count: 64`"


def levels_hint(given: Any) -> str:
    """What to write as the levels of a setting, instead of a value that is no list."""
    if isinstance(given, str) and DISTRIBUTIONS.fullmatch(re.split(r"\W", given.strip(), maxsplit=1)[0].lower()):
        return f"a list with at least one level is needed; {LISTS_ONLY}"
    if isinstance(given, int | float | str) and given != "":
        level = given if isinstance(given, str) else format_level(given)
        return f"a list with at least one level is needed: write [{level}], or move it to `trial:`"
    return "a list with at least one level is needed, such as [1e-4, 1e-3]"


def seeds_hint(given: Any) -> str:
    """What to write as `seeds:`."""
    rule = "a list of whole numbers from 0 to 2147483647 is needed"
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 20:
        return f"{rule}; for {count_of(given, 'seed')} write {list(range(given))}"
    return f"{rule}, such as [0, 1, 2]"
