"""From the unit cube to settings and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.space import Choice, Dimension, Integers, Interval, Space, dimension_of_document

LR = Interval("optimizer.lr", 1e-5, 1e-1, is_log=True)
MOMENTUM = Interval("optimizer.betas[0]", 0.0, 0.9, is_log=False)
WIDTH = Integers("model.width", 8, 64, 8)
NOISE = Choice("stabilizers.instance_noise.std", (0.0, 0.1, 0.3))


@pytest.mark.parametrize(
    ("dimension", "position", "value"),
    [
        (LR, 0.0, 1e-5),
        (LR, 0.5, 1e-3),
        (LR, 0.123456, 3.118e-5),
        (MOMENTUM, 0.5, 0.45),
        (MOMENTUM, 0.123456, 0.1111),
        (WIDTH, 0.0, 8),
        (WIDTH, 0.124, 8),
        (WIDTH, 0.126, 16),
        (WIDTH, 0.9999, 64),
        (NOISE, 0.3, 0.0),
        (NOISE, 0.34, 0.1),
        (NOISE, 0.99, 0.3),
    ],
)
def test_a_position_has_a_value_of_few_digits(dimension: Dimension, position: float, value: Any) -> None:
    assert dimension.value_at(position) == value


def test_a_narrow_range_keeps_enough_digits_to_tell_points_apart() -> None:
    for narrow in (Interval("x", 1000.0, 1000.5, False), Interval("x", 1.0, 1.001, True)):
        assert len({narrow.value_at(position / 100) for position in range(100)}) == 100


@given(st.floats(1e-8, 1e6), st.floats(1.001, 1e6), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_values_stay_in_the_range_and_near_their_position(
    low: float, factor: float, is_log: bool, position: float
) -> None:
    dimension = Interval("x", low, low * factor, is_log)
    value = dimension.value_at(position)
    assert dimension.contains(value)
    assert dimension.position_of(value) == pytest.approx(position, abs=2e-3)


def test_a_discrete_space_has_a_size_and_a_range_has_none() -> None:
    assert Space((WIDTH, NOISE)).size == 24
    assert Space((WIDTH, LR)).size is None


@pytest.mark.parametrize("dimension", [LR, MOMENTUM, WIDTH, NOISE, Integers("steps", 1, 5)])
def test_a_dimension_survives_its_document(dimension: Dimension) -> None:
    assert dimension_of_document(dimension.path, dimension.to_document()) == dimension


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"uniform": [1, 0]},
        {"uniform": ["a", "b"]},
        {"log_uniform": [0, 1]},
        {"log_uniform": 5},
        {"integers": [1.5, 3]},
        {"integers": [1, 3], "step": "x"},
        {"choice": [1]},
        {"normal": [0, 1]},
    ],
)
def test_a_document_of_nothing_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no dimension"):
        dimension_of_document("optimizer.lr", document)


def test_the_levels_of_a_choice_have_no_order_where_settings_are() -> None:
    space = Space((Choice("loss.name", ("hinge", "wasserstein", "ns")), Interval("optimizer.lr", 1e-4, 1e-2, True)))
    settings = {"loss.name": "wasserstein", "optimizer.lr": 1e-3}
    assert space.position_of(settings) == pytest.approx([0.0, 1.0, 0.0, 0.5])
