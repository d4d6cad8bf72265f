"""`orchestrate map`: the answer for a point, from the records of a home; and what it says of wrong points."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gan_core.config.identity import trial_key
from orchestrator.commands import map as map_command
from orchestrator.console.output import make_console
from orchestrator.errors import UserError
from orchestrator.planning.chosen_points import sobol_start
from orchestrator.planning.explored import explored_document
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.loader import load

LR, LAMBDA = "optimizer.lr", "loss.gradient_penalty"
FILE = """
sweep: m
map: {over: [optimizer.lr, loss.gradient_penalty], trials: 32}
trial: {data: {name: digits}, model: {family: wgan_gp}}
groups:
  - name: g
    sample:
      optimizer.lr: {log_uniform: [1e-4, 1e-1]}
      loss.gradient_penalty: {log_uniform: [0.1, 100]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.yaml"
    path.write_text(FILE)
    return path


def trained(file: Path, ended: int = 32) -> Path:
    """A home in which so many trials have ended, stable below lr = 3e-3."""
    home, sweep = file.parent / "home", load(file)
    folder, document = SweepFolder(home, "m"), explored_document(sweep)
    space = sweep.explored_sample.space
    for number in range(32):
        point = sobol_start(space, 0, number)
        key = trial_key(sweep.trial_at(point.settings, number).config, "f")
        document["points"].append({"settings": dict(point.settings), "seed": number, "key": key})
        if number < ended:
            record = Record(key)
            is_stable = point.settings[LR] < 3e-3
            name = "stable" if is_stable else "collapsed"
            record.status, record.step = TrialStatus.FINISHED, 10
            record.verdict = {"name": name, "reason": "", "since": None, "evidence": {}, "rules": 1}
            record.evaluator = {"id": "e"}
            record.metrics = {"frechet/e": 20.0, "best_frechet/e": 20.0}
            folder.trial(key).folder.mkdir(parents=True)
            folder.trial(key).write_record(record)
    folder.folder.mkdir(parents=True, exist_ok=True)
    write_with_checksum(folder.sweep_file, {"explored": document, "trials": [], "data": {"f": {}}})
    return home


def says(file: Path, home: Path, capsys: pytest.CaptureFixture[str], *at: str, as_json: bool = False) -> str:
    map_command.answer(file, [], at, home, make_console(), as_json)
    return " ".join(capsys.readouterr().out.split())


def test_a_point_has_p_stable_its_distance_and_the_nearest_trials(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = says(file, trained(file), capsys, f"{LR}=5e-4", f"{LAMBDA}=3")
    assert text.startswith(f"{LR}=5e-4 {LAMBDA}=3: >99% of runs are expected to be stable")
    assert "Frechet distance of a run that draws: 20 (90% of runs: 20 to 20)" in text
    assert text.count("near ") == 3 and text.count(": stable, Frechet 20") == 3


def test_json_has_the_same_numbers(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = trained(file)
    inside: dict[str, Any] = json.loads(says(file, home, capsys, f"{LR}=5e-4", f"{LAMBDA}=3", as_json=True))
    outside: dict[str, Any] = json.loads(says(file, home, capsys, f"{LR}=3e-2", f"{LAMBDA}=3", as_json=True))
    assert inside["stable"] > 0.9 > 0.1 > outside["stable"] and inside["trials"] == 32
    assert inside["stable_90"][0] <= inside["stable"] <= inside["stable_90"][1]
    assert len(inside["nearest"]) == 3 and inside["nearest"][0]["stable"]


def test_without_a_point_it_tells_of_the_whole_space(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = says(file, trained(file), capsys)
    assert text.startswith("32 trials: 90% of runs or more are expected to be stable in") and f"--at {LR}=" in text


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (["optimizer.lr=1e-3"], "has a value of loss.gradient_penalty, too: add --at loss.gradient_penalty=3.162"),
        (["optimiser.lr=1e-3"], "not a setting of the map, did you mean optimizer.lr"),
        (["optimizer.lr=x"], "a number is needed after =, as in optimizer.lr=3.162e-3"),
        (["optimizer.lr"], "a number is needed after ="),
        (["optimizer.lr=nan"], "from 1e-4 to 0.1"),
        (["optimizer.lr=1"], "the map knows optimizer.lr from 1e-4 to 0.1; give a value in this range"),
        (["optimizer.lr=1e-3", "optimizer.lr=1e-2"], "given twice"),
    ],
)
def test_a_wrong_point_is_one_clear_line(file: Path, at: list[str], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        map_command.answer(file, [], at, file.parent, make_console())


def test_all_mistakes_of_a_point_are_told_at_once(file: Path) -> None:
    with pytest.raises(UserError) as error:
        map_command.answer(file, [], ["optimiser.lr=1e-3", "optimizer.lr=9"], file.parent, make_console())
    lines = str(error.value).split("\n")
    assert len(lines) == 3 and "did you mean optimizer.lr" in lines[0] and "give a value in this range" in lines[1]
    assert lines[2].endswith("add --at loss.gradient_penalty=3.162")


def test_what_is_not_trained_is_said_with_the_command(file: Path) -> None:
    with pytest.raises(UserError, match=r"was not trained in .* yet, so there is no map; `orchestrate sweep"):
        map_command.answer(file, [], [], file.parent / "home", make_console())
    with pytest.raises(UserError, match="no trial of m has ended yet"):
        map_command.answer(file, [], [], trained(file, ended=0), make_console())


def test_a_map_of_another_space_does_not_answer(file: Path) -> None:
    home = trained(file)
    file.write_text(FILE.replace("[0.1, 100]", "[1, 100]"))
    with pytest.raises(UserError, match="was last trained with another space"):
        map_command.answer(file, [], [], home, make_console())


@pytest.mark.parametrize(
    "setting", ["steps: 50", "batch_size: 8", "loss: {n_critic: 2}", "optimizer: {generator: {lr: 0.5}}"]
)
def test_a_map_of_other_settings_does_not_answer(file: Path, setting: str) -> None:
    home = trained(file)
    file.write_text(FILE.replace("trial: {", f"trial: {{{setting}, "))
    with pytest.raises(UserError, match="m was last trained with other settings than those of"):
        map_command.answer(file, [], [], home, make_console())


def test_a_setting_that_makes_no_other_trial_changes_no_answer(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = trained(file)
    file.write_text(FILE.replace("trial: {", "trial: {checkpoint_every: 7, "))
    assert says(file, home, capsys).startswith("32 trials:")


def test_a_sweep_that_is_no_map_is_refused(file: Path) -> None:
    file.write_text("sweep: s\ntrial: {data: {name: digits}}\ngroups: [{name: g}]\n")
    with pytest.raises(UserError, match="is no map; a map has"):
        map_command.answer(file, [], [], file.parent, make_console())
