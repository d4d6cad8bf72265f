"""A value of the wrong kind or out of range is refused and never converted; so are settings that exclude others."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, lines, marked_lines, problems, refuse


@pytest.mark.parametrize(
    "value",
    ["0", "0.0", "-1e-3", ".nan", ".inf", "-.inf", "fast", "'1e-4'", "true", "false", "[1e-4]", "1e999", "1e-999"],
)
def test_a_learning_rate_is_a_positive_number(tmp_path: Path, value: str) -> None:
    refuse(tmp_path, group(f"trial:\n  optimizer.lr: {value} # here"), "optimizer.lr", "is not allowed")


@pytest.mark.parametrize(
    "value",
    [
        "[0.5, 1]",
        "[-0.1, 0.9]",
        "[0.5, .nan]",
        "[0.5, 1.5]",
        "[0.5]",
        "[0.5, 0.9, 0.99]",
        "0.5",
        "[a, b]",
        "['0', '0']",
    ],
)
def test_betas_are_two_numbers_from_zero_to_less_than_one(tmp_path: Path, value: str) -> None:
    refuse(
        tmp_path, group(f"trial:\n  optimizer.betas: {value} # here"), "optimizer.betas", "two numbers", "less than 1"
    )


def test_betas_without_their_second_brackets_are_refused(tmp_path: Path) -> None:
    text = group("grid:\n  optimizer.betas: [0.5, 0.999] # here")
    reported = problems(tmp_path, text)
    assert set(lines(reported)) == set(marked_lines(text))
    assert "0.5 is not allowed" in reported[0].message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("steps", "5.0"),
        ("steps", "'5'"),
        ("steps", "true"),
        ("steps", "0"),
        ("steps", "null"),
        ("steps", "9" * 400),
        ("batch_size", "1"),
        ("model.width", "8.0"),
        ("model.width", ".inf"),
        ("model.family", "wgan-gp"),
        ("model.family", "5"),
        ("model.family", "[dcgan]"),
        ("model.family", "null"),
        ("data.name", "minst"),
        ("data.image_size", "48"),
        ("data.image_size", "'32'"),
        ("data.classes", "3"),
        ("data.classes", "[]"),
        ("data.classes", "[1.0]"),
        ("data.classes", "[true]"),
        ("data.classes", "[0, -1]"),
        ("data.root", "5"),
        ("data.root", "!!binary aGVsbG8="),
        ("loss.name", "wgan"),
        ("loss.gradient_penalty", "true"),
        ("loss.gradient_penalty", "'10'"),
        ("loss.gradient_penalty", "-1"),
        ("loss.n_critic", "1.5"),
        ("stabilizers.label_smoothing", "0.5"),
        ("stabilizers.label_smoothing", "true"),
        ("stabilizers.label_smoothing", "no"),
        ("stabilizers.instance_noise", "much"),
        ("stabilizers.instance_noise", "true"),
        ("stabilizers.instance_noise", "-0.1"),
        ("stabilizers.instance_noise", "[0.1]"),
        ("stabilizers.instance_noise.anneal", "yes"),
        ("stabilizers.instance_noise.anneal", "1"),
        ("stabilizers.instance_noise.anneal", "'true'"),
        ("precision", "float16"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_and_never_converted(tmp_path: Path, setting: str, value: str) -> None:
    path = "stabilizers.instance_noise.std" if setting == "stabilizers.instance_noise" else setting
    refuse(tmp_path, group(f"trial:\n  {setting}: {value} # here"), path, "is not allowed")
    refuse(tmp_path, group(f"grid:\n  {setting}: [{value}] # here"), path, "is not allowed")


def test_a_wrong_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    refuse(tmp_path, group("trial:\n  model.family: dcgam # here"), "model.family", "'dcgan', 'acgan', 'wgan_gp'")


def test_a_very_long_value_does_not_fill_the_screen(tmp_path: Path) -> None:
    reported = problems(tmp_path, group(f"trial:\n  optimizer.lr: {'9' * 400}"))
    assert len(reported[0].message) < 200


def test_an_unknown_tag_is_shown_as_it_was_written(tmp_path: Path) -> None:
    refuse(tmp_path, group("trial:\n  steps: !foo 5 # here"), "steps", "'!foo 5'")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (group("trial:\n  loss.name: wasserstein\n  stabilizers.label_smoothing: 0.1 # here"), "label_smoothing"),
        (
            group("grid:\n  stabilizers.label_smoothing: [0, 0.1] # here\ntrial: {model.family: wgan_gp}"),
            "label_smoothing",
        ),
        (
            group("grid: {model.family: [dcgan, wgan_gp]}", shared="stabilizers.label_smoothing: 0.1 # here"),
            "_smoothing",
        ),
        (group("trial:\n  loss.auxiliary_loss: cross_entropy # here"), "loss.auxiliary_loss"),
        (group("trial: {data.name: npz}").replace("name: g", "name: g # here"), "data.path"),
        (group("trial:\n  data.path: images # here"), "data.path"),
    ],
)
def test_settings_that_mean_nothing_together_are_refused_where_they_are_written(
    tmp_path: Path, text: str, path: str
) -> None:
    refuse(tmp_path, text, path)
