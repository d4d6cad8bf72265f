"""Settings and numbers that logs hold as texts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from orchestrator.imports.values import NOT_SET, number_of, same_kind, seed_of, setting_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("10", 10),
        ("-2", -2),
        ("007", 7.0),
        ("True", True),
        ("false", False),
        ("spectral", "spectral"),
        ("größe=β", "größe=β"),
        ("[0, 0.99]", [0, 0.99]),
        ("(0.5, 0.999)", [0.5, 0.999]),
        ("(no list", "(no list"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        (" 3 ", 3),
        ({"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
        (math.nan, "nan"),
        (None, None),
    ],
)
def test_a_setting_is_what_its_text_means(text: Any, value: Any) -> None:
    assert setting_value(text) == value
    assert type(setting_value(text)) is type(value)


def test_levels_of_a_setting_are_of_one_kind() -> None:
    assert [repr(level) for level in same_kind([1, 0.5, 2])] == ["1.0", "0.5", "2.0"]
    assert same_kind([1, 2, True]) == [1, 2, True]
    assert same_kind(["a", None, ""]) == ["a", NOT_SET, NOT_SET]


def test_nan_is_a_number_and_an_empty_cell_is_none() -> None:
    assert number_of("") is None and number_of(None) is None and number_of("N/A") is None
    assert math.isnan(number_of("NaN") or 0) and number_of("-inf") == -math.inf and number_of(True) == 1.0
    assert number_of("1.5e3") == 1500
    with pytest.raises(ValueError, match="could not convert"):
        number_of("1_000")


@pytest.mark.parametrize(
    ("value", "seed"), [("3", 3), (3.0, 3), ("0", 0), (-1, None), ("a", None), (True, None), (0.5, None)]
)
def test_a_seed_is_a_whole_number_from_0_on(value: Any, seed: int | None) -> None:
    assert seed_of(value) == seed
