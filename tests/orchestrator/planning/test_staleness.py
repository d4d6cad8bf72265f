"""What was made with other code, data or settings is named with the reason, and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny import TINY, finished_trial, tiny_with

from orchestrator import environment
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.staleness import (
    changes_since_last_command,
    code_difference,
    finished_with_other_code,
    left_trials,
    replaced_trials,
)
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader

MakePlan = Callable[[], Plan]


def made(commit: str | None = "1a2b3c4d5e6f", version: str = "0.1.0", torch: str = "2.15.0") -> dict[str, Any]:
    return {"git_commit": commit, "packages": {"gan-orchestrator": version, "torch": torch}}


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (made(), None),
        ({}, None),  # it failed before anything was known
        (made("9f8e7d6c5b4a"), "commit 9f8e7d6, now 1a2b3c4"),
        (made("1a2b3c4d5e6f-dirty"), "commit 1a2b3c4-dirty, now 1a2b3c4"),
        (made(None), None),  # a commit on one side only tells nothing; the version does
        (made(None, version="0.0.9"), "version 0.0.9, now 0.1.0"),
        (made(torch="2.11.0"), "torch 2.11.0, now 2.15.0"),
        (made("9f8e7d6c5b4a", torch="2.11.0"), "commit 9f8e7d6, now 1a2b3c4; torch 2.11.0, now 2.15.0"),
    ],
)
def test_code_differs_by_commit_else_by_version_and_by_torch(then: dict[str, Any], reason: str | None) -> None:
    assert code_difference(then, made()) == reason


def test_only_finished_trials_are_said_to_be_of_other_code(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    plan = tiny_plan()
    assert finished_with_other_code(plan, environment.describe()) == {}
    now = {**environment.describe(), "git_commit": None, "packages": made(version="9")["packages"]}
    assert list(finished_with_other_code(plan, now)) == [plan.trials[0].key]
    unfinished = replace(plan.trials[0], record=replace(plan.trials[0].record, status="interrupted"))
    assert finished_with_other_code(replace(plan, trials=[unfinished]), now) == {}


def test_a_changed_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: digits}"))
    before = make_plan(loader.load(file), tmp_path)
    finished_trial(before, before.trials[0])
    write_json(before.folder.sweep_file, before.to_document())
    assert replaced_trials(make_plan(loader.load(file), tmp_path)) == {}
    longer = make_plan(loader.load(file, ["trial.steps=9"]), tmp_path)
    assert replaced_trials(longer) == {longer.trials[0].key: "steps changed (8 -> 9)"}
    assert changes_since_last_command(longer) == [
        "1 trial is new because steps changed (8 -> 9), and trained from step 8 on; "
        "the earlier results are kept but leave this sweep"
    ]


def test_changed_data_is_told_from_changed_settings(tmp_path: Path) -> None:
    file, data = tmp_path / "tiny.yaml", tmp_path / "mine.npz"
    file.write_text(tiny_with(f"data: {{name: npz, path: {data}}}"))
    images = np.arange(80 * 32 * 32, dtype=np.uint8).reshape(80, 32, 32)
    np.savez(data, images=images)
    before = make_plan(loader.load(file), tmp_path)
    finished_trial(before, before.trials[0])
    write_json(before.folder.sweep_file, before.to_document())
    np.savez(data, images=255 - images)
    after = make_plan(loader.load(file), tmp_path)
    assert replaced_trials(after) == {after.trials[0].key: "the data changed"}


def test_trials_that_are_not_asked_for_any_more_are_counted_with_their_seeds_and_groups(tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY + "  - name: wide\n    trial: {model.width: 8}\n")
    before = make_plan(loader.load(file), tmp_path)
    for planned in (before.trials[0], before.trials[1], before.trials[4]):  # seeds 0 and 1, and the other group
        finished_trial(before, planned)
    write_json(before.folder.sweep_file, before.to_document())
    assert changes_since_last_command(make_plan(loader.load(file), tmp_path)) == []
    back = "; a command that includes them again uses their results"
    one_seed = make_plan(loader.load(file, ["seeds=[0]"]), tmp_path)
    assert changes_since_last_command(one_seed) == [
        f"1 trial of the last command leaves this sweep and its report (seed 1){back}"
    ]
    file.write_text(TINY)
    less = make_plan(loader.load(file, ["seeds=[1]"]), tmp_path)
    assert [trial["key"] for trial in left_trials(less)] == [before.trials[0].key, before.trials[4].key]
    assert changes_since_last_command(less) == [
        f"2 trials of the last command leave this sweep and its report (seed 0, group wide){back}"
    ]
