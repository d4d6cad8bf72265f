"""What is written twice, excludes nothing, or asks for the same trial twice is refused where the second one stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, problems, refuse


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (group("trial:\n  optimizer.lr: 1e-3\n  optimizer: {lr: 1e-4} # here"), "groups[0].trial.optimizer.lr"),
        (group("trial:\n  optimizer: {lr: 1e-4}\n  optimizer.lr: 1e-3 # here"), "groups[0].trial.optimizer.lr"),
        (group("grid:\n  optimizer.lr: [1e-3]\n  optimizer: {lr: [1e-4]} # here"), "groups[0].grid.optimizer.lr"),
        (
            group("trial:\n  stabilizers.instance_noise: 0.1\n  stabilizers.instance_noise.std: 0.2 # here"),
            "groups[0].trial.stabilizers.instance_noise.std",
        ),
        (
            group("grid:\n  stabilizers.instance_noise: [0]\n  stabilizers.instance_noise.std: [0.2] # here"),
            "groups[0].grid.stabilizers.instance_noise.std",
        ),
    ],
)
def test_a_setting_written_twice_in_one_place_is_refused(tmp_path: Path, text: str, path: str) -> None:
    refuse(tmp_path, text, path, "twice")


def test_a_setting_in_both_grid_and_zip_is_refused(tmp_path: Path) -> None:
    text = group("grid: {stabilizers.instance_noise: [0, 1]}\nzip: {stabilizers.instance_noise.std: [0, 1]} # here")
    refuse(tmp_path, text, "groups[0].zip.stabilizers.instance_noise.std", "grid")


def test_lists_of_different_lengths_cannot_be_zipped(tmp_path: Path) -> None:
    refuse(tmp_path, group("zip: # here\n  steps: [5, 6]\n  batch_size: [8]"), "groups[0].zip", "[1, 2]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (group("grid: {steps: [5, 6]}\nexclude:\n  - steps: 5\n  - steps: 7 # here"), "matches no combination"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - steps: [5, 6] # here"), "matches no combination"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - {steps: 5, batch_size: 8} # here"), "neither"),
        (group("trials:\n  - {steps: 5}\nexclude:\n  - {steps: 5} # here"), "neither"),
        (group("grid: {steps: [5, 6]}\nexclude: # here\n  - {}"), "empty"),
    ],
)
def test_an_exclusion_that_excludes_nothing_is_refused(tmp_path: Path, text: str, words: str) -> None:
    refuse(tmp_path, text, "", words)


def test_a_group_whose_trials_are_all_excluded_is_refused(tmp_path: Path) -> None:
    reported = problems(tmp_path, group("grid: {steps: [5, 6]}\nexclude:\n  - {steps: 5}\n  - {steps: 6}"))
    assert "no trial" in reported[0].message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(group("grid:\n  batch_size: [8]\n  steps:\n    - 5\n    - 6\n    - 5 # here"), id="level twice"),
        pytest.param(group("grid:\n  optimizer.lr:\n    - 1\n    - 1.0 # here"), id="level in two notations"),
        pytest.param(group("trials:\n  - {steps: 5}\n  - {steps: 5} # here"), id="by hand twice"),
        pytest.param(group("grid: {steps: [5, 6]}\ntrials:\n  - {steps: 6} # here"), id="by hand and in the grid"),
        pytest.param(group("zip:\n  batch_size: [8, 8] # here\n  steps: [5, 5]"), id="row of the zip twice"),
        pytest.param(group("trials:\n  - {optimizer.lr: 2e-4}\n  - {steps: 1000} # here"), id="defaults in two ways"),
        pytest.param("sweep: s\ngroups:\n  - name: a\n  - name: b # here\n", id="two groups of the same settings"),
        pytest.param(
            group(
                """
                trials:
                  - {optimizer.lr: 1e-3}
                  - {optimizer.generator.lr: 1e-3, optimizer.discriminator.lr: 1e-3} # here
                """
            ),
            id="a learning rate for both and for each",
        ),
        pytest.param(
            group(
                """
                trials:
                  - {stabilizers.instance_noise: {std: 0, anneal: true}}
                  - {stabilizers.instance_noise: {std: 0, anneal: false}} # here
                """
            ),
            id="annealing of no noise",
        ),
    ],
)
@pytest.mark.parametrize("seeds", ["", "seeds: [0, 1, 2]\n"])
def test_a_duplicate_trial_is_refused_once_where_the_second_is_written(tmp_path: Path, text: str, seeds: str) -> None:
    refuse(tmp_path, text.replace("sweep: s\n", f"sweep: s\n{seeds}"), "", "duplicate trial")
