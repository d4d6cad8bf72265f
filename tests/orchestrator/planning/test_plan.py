"""What is new, what is done, and how long the rest takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.tiny import TINY, finished_trial, run_some_steps, tiny_with

from gan_core.config.identity import trial_key
from gan_core.data import datasets
from orchestrator.errors import SpecError
from orchestrator.planning import trial_planner
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.trial_cost import mean_step_seconds
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]


def test_trials_are_pending_then_interrupted_then_finished(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    assert plan.counts() == {"pending": 4}
    finished_trial(plan, plan.trials[0])
    run_some_steps(plan, plan.trials[1], 1).suspend()
    later = tiny_plan()
    assert later.counts() == {"finished": 1, "interrupted": 1, "pending": 2}
    assert [planned.remaining for planned in later.trials] == [0, 7, 8, 8]
    assert [planned.key for planned in later.unfinished] == [planned.key for planned in plan.trials[1:]]


def test_every_trial_has_a_key_of_its_own_and_keeps_it(tiny_plan: MakePlan) -> None:
    first, second = tiny_plan(), tiny_plan()
    assert [planned.key for planned in first.trials] == [planned.key for planned in second.trials]
    assert len({planned.key for planned in first.trials}) == 4


def test_settings_are_checked_once_for_all_their_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    monkeypatch.setattr(trial_planner, "check_data", lambda config, images: checked.append(config.batch_size))
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    sweep = loader.load(file, ["seeds=[5, 6, 7]"])
    plan = make_plan(sweep, tmp_path)
    assert len(checked) == len(plan.trials) / 3
    for planned in plan.trials:
        assert planned.config.seed == planned.trial.seed
        assert planned.key == trial_key(planned.config, planned.fingerprint)
    assert len({planned.key for planned in plan.trials}) == len(plan.trials)


def test_a_data_error_names_the_line_of_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {classes: [1, nine]}"))
    with pytest.raises(SpecError, match=r"tiny\.yaml:5: trial\.data\.classes: no class 'nine'"):
        make_plan(loader.load(file), tmp_path)


def test_paths_of_data_are_made_absolute_and_do_not_change_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_plan: MakePlan
) -> None:
    import numpy as np

    np.savez(tmp_path / "mine.npz", images=np.arange(80 * 32 * 32, dtype=np.uint8).reshape(80, 32, 32))
    file = tmp_path / "npz.yaml"
    file.write_text(tiny_with("data: {name: npz, path: mine.npz}"))
    monkeypatch.chdir(tmp_path)
    relative = make_plan(loader.load(file), tmp_path).trials[0]
    assert relative.config.data.path == str(tmp_path / "mine.npz")
    (tmp_path / "moved").mkdir()
    (tmp_path / "mine.npz").rename(tmp_path / "moved" / "mine.npz")
    file.write_text(file.read_text().replace("mine.npz", "moved/mine.npz"))
    assert make_plan(loader.load(file), tmp_path).trials[0].key == relative.key


def test_too_few_images_are_said_with_all_that_does_not_fit(tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "few.npz", images=np.zeros((25, 32, 32), np.uint8))
    file = tmp_path / "few.yaml"
    file.write_text(tiny_with("data: {name: npz, path: few.npz}").replace("batch_size: 8", "batch_size: 64"))
    with pytest.raises(SpecError) as caught:
        make_plan(loader.load(file), tmp_path)
    assert str(caught.value).splitlines() == [
        f"{file}:9: trial.batch_size: 64 is more than the 22 training images",
        f"{file}:5: trial.data.path: 22 training images are too few; quality needs at least 65",
    ]


def test_a_setting_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("text")
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: image_folder, path: photos}"))
    for overrides, source in (([], f"{file}:5"), ([f"trial.data.path={tmp_path / 'photos'}"], "--set trial.data.path")):
        with pytest.raises(SpecError) as caught:
            make_plan(loader.load(file, overrides), tmp_path)
        advice = "repair or remove it, or go on without it with data.skip_broken: true"
        broken = tmp_path / "photos" / "a.png"
        assert str(caught.value) == f"{source}: {broken}: not a readable image (data.path); {advice}"


def test_cautions_about_the_data_go_with_the_sweep(tmp_path: Path) -> None:
    import numpy as np

    images = np.arange(210 * 32 * 32, dtype=np.uint8).reshape(210, 32, 32)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.repeat([0, 1], [205, 5]))
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: npz, path: mine.npz}"))
    plan = make_plan(loader.load(file), tmp_path)
    assert any("very unequal" in caution for caution in plan.to_document()["cautions"])
    assert [summary["path"] for summary in plan.data_summaries()] == [str(tmp_path / "mine.npz")]


@pytest.mark.parametrize(("steps", "cautioned"), [(5568, True), (5569, False)])
def test_top_k_that_hardly_narrows_is_a_caution(tmp_path: Path, steps: int, cautioned: bool) -> None:
    """1,541 digits are 192 batches of 8. Half of the way to 50% is 75%, and 0.99 to the power of 29 is the first below.

    The last of 5,569 steps is the first of pass 29, if they are counted from 0.
    """
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("stabilizers.top_k: 0.5"))
    cautions = make_plan(loader.load(file, [f"trial.steps={steps}"]), tmp_path).to_document()["cautions"]
    found = [text for text in cautions if text.startswith("top-k")]
    expected = "narrows by 1% in each pass of D over the data, and needs 69 passes to come to 0.5: in 29 passes"
    assert [expected in text and "75% of its images or more" in text for text in found] == [True] * cautioned


def test_the_same_data_written_differently_is_one_trial_twice(tmp_path: Path) -> None:
    import numpy as np

    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", images=np.arange(80 * 32 * 32, dtype=np.uint8).reshape(80, 32, 32))
    file = tmp_path / "twice.yaml"
    paths = f"data.path: [{tmp_path / 'a.npz'}, {tmp_path / 'b.npz'}]\n"
    text = tiny_with("data: {name: npz}")
    file.write_text(text[: text.index("    grid:")] + "    grid:\n      " + paths)
    with pytest.raises(SpecError, match="the same data and settings"):
        make_plan(loader.load(file), tmp_path)


def test_the_time_left_is_unknown_until_something_was_measured(tiny_plan: MakePlan) -> None:
    assert math.isinf(Eta(tiny_plan(), workers=2).seconds_left())


def test_the_time_left_follows_the_measured_speed_and_the_workers(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    eta = Eta(plan, workers=2)
    eta.progress(plan.trials[0].key, left=6, seconds=4.0)  # 2 steps took 4 s; 30 steps are left
    assert eta.seconds_left() == pytest.approx(30 * 2.0 / 2)
    eta.close(plan.trials[0].key)
    assert eta.seconds_left() == pytest.approx(24 * 2.0 / 2)


def test_a_group_that_was_not_timed_yet_is_estimated_from_the_others(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    dear = replace(plan.trials[3], trial=replace(plan.trials[3].trial, group="dear"))
    wide = dear.config.model.model_copy(update={"width": 64})
    dear = replace(dear, config=dear.config.model_copy(update={"model": wide}))
    eta = Eta(replace(plan, trials=[plan.trials[0], dear]), workers=1)
    eta.progress(plan.trials[0].key, left=0, seconds=8.0)
    ratio = mean_step_seconds(dear.config) / mean_step_seconds(plan.trials[0].config)
    assert ratio > 1
    assert eta.seconds_left() == pytest.approx(8.0 * ratio)


def test_data_that_cannot_be_used_is_read_once_however_many_trials_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: image_folder, path: nothing}"))
    reads, read = list[str](), datasets.read
    monkeypatch.setattr(datasets, "read", lambda data, **more: reads.append(data.name) or read(data, **more))
    with pytest.raises(SpecError, match="does not exist"):
        make_plan(loader.load(file), tmp_path / "home")
    assert reads == ["image_folder"]
