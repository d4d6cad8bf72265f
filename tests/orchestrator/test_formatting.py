"""How settings, levels and configurations are called where people read them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gan_core.config.identity import setting_paths
from gan_core.verdict.rules import VERDICTS
from orchestrator.console.style import COLOURS, METRIC_COLUMNS, format_metrics
from orchestrator.formatting import (
    SHORT_NAMES,
    configuration_name,
    count_of,
    format_duration,
    format_level,
    short_name,
    short_names,
)


@pytest.mark.parametrize(("count", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials")])
def test_a_noun_has_the_number_of_its_count(count: int, text: str) -> None:
    assert count_of(count, "trial") == text


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (2e-4, "2e-4"),
        (1.5e-4, "1.5e-4"),
        (1e-10, "1e-10"),
        (0.009, "9e-3"),
        (-2e-4, "-2e-4"),
        (0.01, "0.01"),
        (0.1, "0.1"),
        (0.999, "0.999"),
        (10.0, "10"),
        (100.0, "100"),
        (123456.789, "123456.789"),
        (1e6, "1e+6"),
        (1234567.0, "1.234567e+6"),
        (1e16, "1e+16"),
        (0.0, "0"),
        (0, "0"),
        (1, "1"),
        (1000000, "1000000"),
        (True, "on"),
        (False, "off"),
        (None, "default"),
        ("dcgan", "dcgan"),
        ([0.5, 0.999], "(0.5, 0.999)"),
        ((0.0, 0.9), "(0, 0.9)"),
        ([0, "cat"], "(0, cat)"),
        ([], "()"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_levels_are_written_as_people_write_them(level: Any, text: str) -> None:
    assert format_level(level).lower().replace("infinity", "inf") == text


@pytest.mark.parametrize("exponent", range(-12, 13))
@pytest.mark.parametrize("mantissa", [1.0, 1.1, 2.0, 3.25, 9.999])
def test_a_written_number_is_the_number_itself(mantissa: float, exponent: int) -> None:
    level = float(f"{mantissa}e{exponent}")
    assert float(format_level(level)) == level
    assert float(format_level(-level)) == -level


@pytest.mark.parametrize(
    ("first", "second"), [(1e-4, 1.0001e-4), (0.1, 0.10000000000000002), (1e6, 1000001.0), (0.5, 0.50001)]
)
def test_different_levels_are_called_differently(first: float, second: float) -> None:
    assert format_level(first) != format_level(second)


def test_every_short_name_belongs_to_a_setting_that_exists() -> None:
    assert set(SHORT_NAMES) <= set(setting_paths())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("optimizer.lr", "lr"),
        ("optimizer.generator.lr", "lr_G"),
        ("optimizer.discriminator.betas", "betas_D"),
        ("loss.gradient_penalty", "lambda"),
        ("steps", "steps"),
    ],
)
def test_a_setting_is_called_by_its_last_name_or_by_the_name_of_the_field(path: str, name: str) -> None:
    assert short_name(path) == name


def test_all_settings_together_have_different_names() -> None:
    names = short_names(setting_paths())
    assert list(names) == setting_paths()
    assert len(set(names.values())) == len(names)


def test_settings_that_would_be_called_the_same_keep_their_whole_paths() -> None:
    assert short_names(["data.path", "steps", "other.path"]) == {
        "data.path": "data.path",
        "steps": "steps",
        "other.path": "other.path",
    }


def test_a_configuration_is_called_by_its_group_and_levels_in_order() -> None:
    factors = {"optimizer.lr": 2e-4, "stabilizers.label_smoothing": 0.1, "stabilizers.instance_noise.std": False}
    assert configuration_name("dcgan", factors) == "dcgan lr=2e-4 smoothing=0.1 noise=off"
    assert configuration_name("dcgan", {}) == "dcgan"


def test_every_outcome_has_a_colour() -> None:
    assert set(COLOURS) == {*VERDICTS, "failed", "damaged"}


def test_a_table_shows_the_distance_of_whatever_evaluator_measured_it() -> None:
    metrics = {"loss/generator": 1.25, "frechet/classifier-1a2b3c4d": 12.5, "coverage/classifier-1a2b3c4d": 0.5}
    formatted = dict(zip(METRIC_COLUMNS, format_metrics(metrics, missing="-"), strict=True))
    assert formatted.pop("loss/generator") == "1.25"
    assert formatted.pop("frechet") == "12.5"
    assert set(formatted.values()) == {"-"}
    assert format_metrics({"raw_frechet/classifier-1a2b3c4d": 1.0, "best_frechet/classifier-1a2b3c4d": 1.0}) == [
        ""
    ] * len(METRIC_COLUMNS)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (75, "1 min 15 s"), (3725, "1 h 02 min"), (float("inf"), "unknown")]
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
