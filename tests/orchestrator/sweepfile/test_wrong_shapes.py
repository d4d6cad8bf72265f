"""A list where a mapping belongs, the other way round, or nothing at all is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, refuse


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sweep: s\ntrial: 5 # here\ngroups: [{name: g}]\n", "trial"),
        ("sweep: s\ntrial: [steps] # here\ngroups: [{name: g}]\n", "trial"),
        ("sweep: s\ngroups: {name: g} # here\n", "groups"),
        ("sweep: s\ngroups: g # here\n", "groups"),
        ("sweep: s\ngroups: [] # here\n", "groups"),
        ("sweep: s\ngroups: # here\n", "groups"),
        ("sweep: s # here\n", "groups"),
        ("sweep: s\ngroups:\n  - g # here\n", "groups[0]"),
        ("sweep: s\ngroups:\n  - name: g\n  - # here\n", "groups[1]"),
        ("sweep: s\ngroups:\n  - name: g\n  - [name, h] # here\n", "groups[1]"),
        (group("trial: [steps] # here"), "groups[0].trial"),
        (group("grid: [steps] # here"), "groups[0].grid"),
        (group("grid: steps # here"), "groups[0].grid"),
        (group("zip: [steps] # here"), "groups[0].zip"),
        (group("trials: {steps: 5} # here"), "groups[0].trials"),
        (group("trials: # here"), "groups[0].trials"),
        (group("trials:\n  - {steps: 5}\n  - steps # here"), "groups[0].trials[1]"),
        (group("exclude: {steps: 5} # here\ngrid: {steps: [5, 6]}"), "groups[0].exclude"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - 5 # here"), "groups[0].exclude[0]"),
        (group("grid:\n  optimizer: [1e-3] # here"), "groups[0].grid.optimizer"),
        (group("grid:\n  optimizer.lr: {a: [1]} # here"), "groups[0].grid.optimizer.lr.a"),
        (group("trial:\n  steps: {a: 5} # here"), "groups[0].trial.steps.a"),
    ],
)
def test_a_list_is_no_mapping_and_a_mapping_no_list(tmp_path: Path, text: str, path: str) -> None:
    refuse(tmp_path, text, path)


@pytest.mark.parametrize("key", ["grid", "zip"])
@pytest.mark.parametrize("levels", ["", "[]", "5", "null", "digits"])
def test_levels_are_a_list_with_something_in_it(tmp_path: Path, key: str, levels: str) -> None:
    refuse(tmp_path, group(f"{key}:\n  steps: {levels} # here"), f"groups[0].{key}.steps", "at least one level")


@pytest.mark.parametrize("key", ["grid", "zip", "trials", "exclude"])
@pytest.mark.parametrize("empty", ["", "{}", "[]"])
def test_an_empty_grid_is_refused(tmp_path: Path, key: str, empty: str) -> None:
    refuse(tmp_path, group(f"{key}: {empty} # here"), f"groups[0].{key}")


def test_an_empty_section_in_a_grid_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, group("grid:\n  steps: [5]\n  optimizer: {} # here"), "groups[0].grid.optimizer")
