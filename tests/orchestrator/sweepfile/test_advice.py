"""What to write instead of a value or a name that a sweep file cannot have."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, problems, refuse


@pytest.mark.parametrize(
    ("setting", "value", "right"),
    [
        ("steps", "1e3", "write a whole number without a point or an exponent: 1000"),
        ("batch_size", "'32'", "write a whole number without quotes: 32"),
        ("model.width", "many", "write a whole number"),
        ("optimizer.lr", "'1e-4'", "write a number without quotes: 1e-4"),
        ("optimizer.lr", "-1", "write a number greater than 0"),
        ("stabilizers.ema", "true", "write a number; 0 is off"),
        ("stabilizers.spectral_norm", "yes", "write true or false"),
        ("data.root", "5", "write text, in quotes"),
        ("data.image_size", "48", "write 32, 64, 128 or 256"),
        ("data.name", "minst", "did you mean mnist?"),
        ("optimizer.betas", "0.5", "write two numbers"),
        ("optimizer.lr", "loguniform(1, 2)", "write a number"),
    ],
)
def test_a_refused_value_is_answered_with_what_to_write(tmp_path: Path, setting: str, value: str, right: str) -> None:
    refuse(tmp_path, group(f"trial:\n  {setting}: {value} # here"), setting, "is not allowed", right)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (group("grid:\n  optimizer.lr: loguniform(1e-4, 1e-2) # here"), "a grid draws no values: list its levels"),
        (group("grid:\n  optimizer.loguniform: [1e-4, 1e-2] # here"), "a grid draws no values: list its levels"),
        (group("grid:\n  optimizer.lr: {loguniform: [1e-4, 1e-2]} # here"), "values are drawn under `sample:`"),
        (group("grid:\n  optimizer.lr:\n    min: 1e-4 # here\n    max: 1e-2"), "in a grid a list of its levels"),
        (group("grid:\n  steps: 5 # here"), "write [5], or move it to `trial:`"),
        (group("grid:\n  optimizer.lr: 1e-4, 1e-3 # here"), "write [1e-4, 1e-3]"),
        (group("trial:\n  epochs: 5 # here"), "write steps"),
        (group("trial:\n  z_dim: 5 # here"), "did you mean model.latent_dim?"),
        ("sweep: s\nseeds: 3 # here\ngroups: [{name: g}]\n", "for 3 seeds write [0, 1, 2]"),
    ],
)
def test_what_other_programs_allow_is_answered_with_what_to_write_here(tmp_path: Path, text: str, right: str) -> None:
    refuse(tmp_path, text, "", right)


def test_two_penalties_in_a_grid_are_sent_to_exclude(tmp_path: Path) -> None:
    both = "cannot be combined"
    grid = group("grid:\n  loss.gradient_penalty: [0, 10]\n  stabilizers.r1: [0, 1] # here")
    refuse(tmp_path, grid, "stabilizers.r1", f"r1 and gradient_penalty {both}", "list such a pair under `exclude:`")
    fixed = problems(tmp_path, group("trial: {loss.gradient_penalty: 10, stabilizers.r1: 1}"))
    assert both in fixed[0].message and "exclude" not in fixed[0].message


def test_a_problem_of_an_option_names_the_setting_once(tmp_path: Path) -> None:
    reported = problems(tmp_path, group("trial: {steps: 5}"), "trial.steps=1e3", "seeds=3")
    assert [str(problem).count(name) for problem, name in zip(reported, ("seeds:", "steps:"), strict=True)] == [1, 1]
