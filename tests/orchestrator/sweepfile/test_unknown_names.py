"""A name that no setting, section or key has is refused with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, refuse


@pytest.mark.parametrize(
    ("text", "path", "right"),
    [
        (group("trial:\n  optimizer.lrr: 1e-3 # here"), "groups[0].trial.optimizer.lrr", "optimizer.lr?"),
        (group("trial:\n  optimiser:\n    lr: 1e-3 # here"), "groups[0].trial.optimiser.lr", "optimizer.lr?"),
        (group("trial:\n  lr: 1e-3 # here"), "groups[0].trial.lr", "optimizer.lr?"),
        (group("trial:", shared="model.famly: dcgan # here"), "trial.model.famly", "model.family?"),
        (group("trial:", shared="stepz: 5 # here"), "trial.stepz", "steps?"),
        (group("trial:", shared="gradient_penalty: 10 # here"), "trial.gradient_penalty", "loss.gradient_penalty?"),
        (group("trial:", shared="learning_rate: 1 # here"), "trial.learning_rate", "optimizer.lr?"),
        (group("trial:", shared="lambda: 10 # here"), "trial.lambda", "loss.gradient_penalty?"),
        (group("trial:", shared="smoothing: 0.1 # here"), "trial.smoothing", "stabilizers.label_smoothing?"),
        (group("trial:", shared="noise: 0.1 # here"), "trial.noise", "stabilizers.instance_noise.std?"),
        (group("trial:", shared="beta: [0, 0.9] # here"), "trial.beta", "optimizer.betas?"),
        (group("grid:\n  steps: [5]\n  batchsize: [8] # here"), "groups[0].grid.batchsize", "batch_size?"),
        (group("zip:\n  steps: [5]\n  batch-size: [8] # here"), "groups[0].zip.batch-size", "batch_size?"),
        (group("trials:\n  - steps: 5\n  - stepz: 6 # here"), "groups[0].trials[1].stepz", "steps?"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - stepz: 6 # here"), "groups[0].exclude[0].stepz", "steps?"),
        (group("gird: {steps: [5]} # here"), "groups[0].gird", "grid?"),
        (group("trail: {steps: 5} # here"), "groups[0].trail", "trial?"),
        ("sweep: s\nseed: [0] # here\ngroups: [{name: g}]\n", "seed", "seeds?"),
        ("sweep: s\ngroups: [{name: g}]\ngruops: [] # here\n", "gruops", "groups?"),
        (group("trial:\n  1: 5 # here"), "groups[0].trial.1", ""),
        (group("trial:\n  ? [steps, lr]\n  : 5 # here").replace("# here", "").replace("lr]", "lr] # here"), "", ""),
        (group("trial:\n  шаги: 5 # here"), "groups[0].trial.шаги", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(
    tmp_path: Path, text: str, path: str, right: str
) -> None:
    refuse(tmp_path, text, path, "unknown", right and f", did you mean {right}")


@pytest.mark.parametrize("value", ["", "null", "{}", "[]"])
@pytest.mark.parametrize("name", ["stepz", "optimiser"])
def test_an_unknown_name_is_refused_even_without_a_value(tmp_path: Path, name: str, value: str) -> None:
    refuse(tmp_path, group("trial:", shared=f"{name}: {value} # here"), f"trial.{name}", "unknown setting")


@pytest.mark.parametrize(
    ("key", "right"),
    [("steps", "steps"), ("optimizer.lr", "optimizer.lr"), ("lr", "optimizer.lr"), ("optimizer", "optimizer")],
)
def test_a_setting_outside_trial_is_sent_there(tmp_path: Path, key: str, right: str) -> None:
    refuse(tmp_path, f"sweep: s\n{key}: 5 # here\ngroups: [{{name: g}}]\n", key, f"did you mean trial.{right}?")
    refuse(tmp_path, group(f"{key}: 5 # here"), f"groups[0].{key}", f"did you mean groups[0].trial.{right}?")


def test_a_seed_among_the_settings_is_sent_to_seeds(tmp_path: Path) -> None:
    refuse(tmp_path, group("grid:\n  seed: [0, 1] # here"), "groups[0].grid.seed", "`seeds:`")


@pytest.mark.parametrize("section", ["optimizer: 1e-3", "model: dcgan", "data: digits", "stabilizers: [0.1]"])
def test_a_section_given_a_value_lists_its_settings(tmp_path: Path, section: str) -> None:
    name = section.partition(":")[0]
    refuse(tmp_path, group("trial:", shared=f"{section} # here"), f"trial.{name}", "section", f"{name}.")
