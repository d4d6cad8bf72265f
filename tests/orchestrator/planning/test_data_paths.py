"""Where the files of a trial are: relative to the sweep file, or to the current folder if the path was typed there."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny import tiny_with

from gan_core.config.trial import TrialConfig
from gan_core.data.preprocessing import DataError
from orchestrator.planning.data_paths import caution_about_paths, with_absolute_paths
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Trial

NPZ = "data: {name: npz, path: %s}"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sweep file's `sweeps`, and `here`, which is the current folder."""
    for name in ("sweeps", "here", "user"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return tmp_path


def trial_of(folder: Path, settings: str, overrides: list[str] | None = None) -> Trial:
    (folder / "sweeps" / "tiny.yaml").write_text(tiny_with(settings))
    return loader.load(folder / "sweeps" / "tiny.yaml", overrides).trials[0]


def absolute(folder: Path, trial: Trial) -> TrialConfig:
    return with_absolute_paths(trial, str(folder / "sweeps" / "tiny.yaml"), folder / "home")


def path_of(folder: Path, written: str, overrides: list[str] | None = None) -> str | None:
    return absolute(folder, trial_of(folder, NPZ % written, overrides)).data.path


def test_a_path_in_the_file_is_relative_to_the_file(folders: Path) -> None:
    assert path_of(folders, "mine.npz") == str(folders / "sweeps" / "mine.npz")
    assert path_of(folders, "/data/mine.npz") == "/data/mine.npz"


def test_the_file_may_be_given_relative_to_the_current_folder(folders: Path) -> None:
    trial = trial_of(folders, NPZ % "mine.npz")
    assert with_absolute_paths(trial, "../sweeps/tiny.yaml", folders).data.path == str(
        folders / "here" / ".." / "sweeps" / "mine.npz"
    )


def test_a_path_on_the_command_line_is_relative_to_the_current_folder(folders: Path) -> None:
    assert path_of(folders, "mine.npz", ["trial.data.path=other.npz"]) == str(folders / "here" / "other.npz")


@pytest.mark.parametrize("written", ["~/mine.npz", "$HOME/mine.npz", "${HOME}/mine.npz"])
def test_home_and_variables_are_expanded(folders: Path, written: str) -> None:
    assert path_of(folders, f"'{written}'") == str(folders / "user" / "mine.npz")


def test_every_path_follows_the_rule(folders: Path) -> None:
    (folders / "sweeps" / "w.pth").write_bytes(b"")
    config = absolute(folders, trial_of(folders, "data: {name: mnist, root: sets}"))
    assert config.data.root == str(folders / "sweeps" / "sets")
    assert absolute(folders, trial_of(folders, "data: {name: mnist}")).data.root == str(folders / "home" / "datasets")
    trial = trial_of(folders, "evaluation.weights: w.pth", ["trial.evaluation.features=inception"])
    assert absolute(folders, trial).evaluation.weights == str(folders / "sweeps" / "w.pth")


def test_a_path_that_was_relative_to_the_current_folder_is_shown_as_it_must_be_now(folders: Path) -> None:
    (folders / "here" / "mine.npz").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        path_of(folders, "mine.npz")
    assert str(caught.value).endswith(f"There is {folders / 'here' / 'mine.npz'}: write ../here/mine.npz")
    assert path_of(folders, "../here/mine.npz") == str(folders / "here" / "mine.npz")


def test_the_folder_before_two_dots_may_be_a_link(folders: Path) -> None:
    (folders / "far" / "away").mkdir(parents=True)
    (folders / "far" / "mine.npz").write_bytes(b"far")
    (folders / "sweeps" / "link").symlink_to(folders / "far" / "away")
    (folders / "sweeps" / "mine.npz").write_bytes(b"near")
    path = path_of(folders, "link/../mine.npz")
    assert path and Path(path).read_bytes() == b"far"


@pytest.mark.parametrize("written", ["x" * 5000, "y" * 300 + "/mine.npz"])
def test_a_path_that_cannot_be_is_left_to_whoever_reads_it(folders: Path, written: str) -> None:
    trial = trial_of(folders, NPZ % written)
    assert absolute(folders, trial).data.path == str(folders / "sweeps" / written)
    assert caution_about_paths(trial, str(folders / "sweeps" / "tiny.yaml")) == []


def test_a_path_that_would_have_meant_another_file_is_said(folders: Path) -> None:
    def cautions(written: str = "mine.npz", overrides: list[str] | None = None) -> list[str]:
        return caution_about_paths(trial_of(folders, NPZ % written, overrides), str(folders / "sweeps" / "tiny.yaml"))

    (folders / "sweeps" / "mine.npz").write_bytes(b"")
    assert cautions() == []
    (folders / "here" / "mine.npz").write_bytes(b"")
    (caution,) = cautions()
    assert str(folders / "sweeps" / "mine.npz") in caution and str(folders / "here" / "mine.npz") in caution
    assert cautions(str(folders / "sweeps" / "mine.npz")) == []
    assert cautions(overrides=["trial.data.path=mine.npz"]) == []
    (folders / "here" / "mine.npz").unlink()
    (folders / "here" / "mine.npz").symlink_to(folders / "sweeps" / "mine.npz")
    assert cautions() == []
