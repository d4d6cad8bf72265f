"""Pictures from a trial's generator, whatever state the trial is in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from support.tiny import finished_trial, run_some_steps, tiny_with

from gan_core.verdict.judge import Verdict
from gan_core.verdict.names import VerdictName
from orchestrator.commands.sample import ImageLayout, SampleRequest, sample
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]


def with_sweep_file(plan: Plan) -> Plan:
    """The plan, its sweep known to the folder as after `orchestrate sweep`."""
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan


def draw(
    plan: Plan, file: Path, layout: ImageLayout = "grid", count: int = 64, best: bool = False, seed: int = 0
) -> tuple[np.ndarray, str]:
    """The picture of the plan's first trial, and the command's output."""
    output = io.StringIO()
    sample(plan.folder, SampleRequest("1", layout, count, best, seed, file), Console(file=output, width=200))
    with Image.open(file) as image:
        return np.asarray(image).astype(int), output.getvalue()


def test_the_default_grid_is_the_last_picture_of_the_training(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    finished_trial(plan, plan.trials[0])
    picture, output = draw(plan, tmp_path / "grid.png")
    with Image.open(plan.folder.trial(plan.trials[0].key).sample_file(8)) as image:
        trained = np.asarray(image).astype(int)
    assert picture.shape == trained.shape
    assert abs(picture - trained).max() <= 1  # the memory format differs, and with it the order of sums
    assert "after its last step (8)" in output
    assert f"orchestrate logs tiny {plan.trials[0].key[:8]}" in output


def test_the_best_evaluation_has_a_generator_of_its_own(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    folder = finished_trial(plan, plan.trials[0])
    picture, output = draw(plan, tmp_path / "best.png", best=True)
    step = int(folder.record().best["step"])
    assert f"step {step}" in output
    with Image.open(folder.sample_file(step)) as image:
        assert abs(picture - np.asarray(image).astype(int)).max() <= 1


def test_count_and_seed_choose_the_images(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    finished_trial(plan, plan.trials[0])
    file = tmp_path / "x.png"
    nine, _ = draw(plan, file, count=9)
    other, _ = draw(plan, file, count=9, seed=1)
    assert nine.shape == (3 * 34 + 2, 3 * 34 + 2)
    assert (nine != other).any()
    between, _ = draw(plan, file, "interpolation")
    assert between.shape == (8 * 34 + 2, 8 * 34 + 2)


def test_by_class_draws_a_row_a_class_and_is_refused_without_classes(tiny_plan: MakePlan, tmp_path: Path) -> None:
    file = tmp_path / "acgan.yaml"
    file.write_text(tiny_with("model.family: acgan").replace("sweep: tiny", "sweep: acgan"))
    plan = with_sweep_file(make_plan(loader.load(file), tmp_path / "home"))
    finished_trial(plan, plan.trials[0])
    picture, _ = draw(plan, tmp_path / "classes.png", "by-class")
    assert picture.shape == (10 * 34 + 2, 8 * 34 + 2)
    dcgan = with_sweep_file(tiny_plan())
    finished_trial(dcgan, dcgan.trials[0])
    with pytest.raises(UserError, match=r"acgan.*--grid"):
        draw(dcgan, tmp_path / "x.png", "by-class")


def test_an_interrupted_trial_is_drawn_from_its_checkpoint(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    run_some_steps(plan, plan.trials[0], 3).suspend()
    _, output = draw(plan, tmp_path / "x.png")
    assert "interrupted, as of its checkpoint at step 3" in output


def test_what_has_no_generator_says_so_and_what_to_do(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    with pytest.raises(UserError, match=r"pending.*orchestrate status tiny"):
        draw(plan, tmp_path / "x.png")
    with pytest.raises(UserError, match="no evaluation was saved"):
        draw(plan, tmp_path / "x.png", best=True)
    execution = run_some_steps(plan, plan.trials[0], 4)
    execution._finish_diverged(Verdict(VerdictName.DIVERGED, 5, "weight of generator", {}))
    with pytest.raises(UserError, match=r"diverged at step 5.*--best"):
        draw(plan, tmp_path / "x.png")
    assert "best evaluation" in draw(plan, tmp_path / "x.png", best=True)[1]


def test_a_picture_that_cannot_be_written_is_a_users_mistake(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    finished_trial(plan, plan.trials[0])
    with pytest.raises(UserError, match=r"ends in \.png"):
        draw(plan, tmp_path / "x.jpg")
    with pytest.raises(UserError, match="cannot be written"):
        draw(plan, tmp_path / "none" / "x.png")


def test_a_damaged_generator_file_is_named(tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = with_sweep_file(tiny_plan())
    folder = finished_trial(plan, plan.trials[0])
    folder.generator_file.write_bytes(folder.generator_file.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"generator\.pt is damaged"):
        draw(plan, tmp_path / "x.png")
