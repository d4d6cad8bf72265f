"""`orch.load`, `orch.plan`, `orch.compare` on a finished sweep; examples/first-sweep.ipynb trains one."""

from __future__ import annotations

import inspect
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from rich.console import Console
from support.mirrors import copy_home, mirror_of
from support.tiny import TINY, stable_trial

import orchestrator as orch
from orchestrator.api.results import SweepResults
from orchestrator.commands.sample import SampleRequest, sample
from orchestrator.commands.sync import sync
from orchestrator.errors import UserError
from orchestrator.planning.plan import make_plan
from orchestrator.report import static_figures
from orchestrator.signals import INTERRUPTED
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.sweepfile import loader

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two finished sweeps, `tiny` and `other`."""
    folder = tmp_path_factory.mktemp("api")
    for name in ("tiny", "other"):
        file = folder / f"{name}.yaml"
        file.write_text(TINY.replace("sweep: tiny", f"sweep: {name}"))
        plan = make_plan(loader.load(file), folder)
        for planned in plan.trials:
            stable_trial(plan, planned)
        mirror_of(plan, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(static_figures, "write", lambda *_: {})
            assert sync(plan.folder, f"sqlite:///{folder / 'mlflow.db'}", Console(quiet=True)) == 0
    return folder


@pytest.fixture
def loaded(home: Path) -> SweepResults:
    return orch.load("tiny", home=home)


def test_frames_have_what_the_report_has(loaded: SweepResults, tmp_path: Path) -> None:
    page = loaded.report(tmp_path)
    assert page == tmp_path / "report.html" and loaded.question in page.read_text()
    assert list(loaded.trials["key"]) == list(pd.read_csv(tmp_path / "trials.csv")["key"])
    assert set(loaded.trials["verdict"]) == {"stable"}
    written = pd.read_csv(tmp_path / "effects.csv")
    assert list(loaded.effects.columns) == list(written.columns) and len(loaded.effects) == len(written) == 1
    assert loaded.histories.shape == pd.read_parquet(tmp_path / "histories.parquet").shape
    assert loaded.answer in repr(loaded) and "4 of 4 runs were stable" in loaded.answer
    assert loaded.trials is loaded.trials
    assert loaded.refresh().trials.shape == (4, len(loaded.trials.columns))


def test_the_images_of_a_generator_are_those_of_the_command(loaded: SweepResults, home: Path, tmp_path: Path) -> None:
    best = loaded.best()
    assert best.record.verdict and best.record.verdict["name"] == "stable" and best.folder.is_dir()
    images = best.generator().sample(9, seed=3)
    assert images.shape == (9, 32, 32, 1) and images.dtype == np.uint8
    assert np.array_equal(images, best.generator().sample(9, seed=3))
    file = tmp_path / "drawn.png"
    sample(SweepFolder(home, "tiny"), SampleRequest(best.key, count=9, seed=3, output=file), Console(quiet=True))
    with Image.open(file) as drawn:
        assert np.array_equal(np.array(drawn), np.array(images.show()))
        shown = images._repr_png_()
        assert shown and np.array_equal(np.array(Image.open(io.BytesIO(shown))), np.array(drawn))
    assert images.show(columns=9).size == (9 * 34 + 2, 36)
    assert images.mean(axis=(1, 2, 3))._repr_png_() is None, "no picture of what is no image"
    with pytest.raises(UserError, match="from 1 on"):
        best.generator().sample(0)


def test_a_trial_is_called_by_its_key_or_its_name(loaded: SweepResults) -> None:
    row = loaded.trials.iloc[2]
    assert loaded.trial(row["key"]).name == loaded.trial(row["trial"]).name == row["trial"]
    with pytest.raises(UserError, match="no trial 'nobody'"):
        loaded.trial("nobody")


def test_two_sweeps_are_compared(home: Path) -> None:
    both = orch.compare(["tiny", "other"], home=home)
    assert len(both.trials) == 4, "the same trials count once"
    with pytest.raises(UserError, match=r"orch\.load one of them"):
        both.best()
    names: Any
    for names in (["tiny"], ["tiny", "tiny"], "tiny"):
        with pytest.raises(UserError, match="two sweeps or more"):
            orch.compare(names, home=home)


def test_a_mapping_is_planned_like_its_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    of_file = orch.plan(file, {"seeds": (0, 1, np.int64(2))}, home=home)
    assert list(of_file["status"]) == ["finished", "finished", "pending"] * 2
    assert list(of_file["steps_left"]) == [0, 0, 8] * 2
    assert list(of_file["stabilizers.label_smoothing"]) == [0.0] * 3 + [0.1] * 3
    of_mapping = orch.plan(yaml.safe_load(TINY), {"seeds": [0, 1, 2]}, home=home)
    pd.testing.assert_frame_equal(of_mapping, of_file)


def test_paths_in_a_mapping_are_those_of_the_current_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=np.zeros((200, 32, 32), np.uint8) + np.arange(200, dtype=np.uint8)[:, None, None])
    settings = yaml.safe_load(TINY)
    settings["trial"]["data"] = {"name": "npz", "path": Path("images.npz")}
    assert len(orch.plan(settings, home=home)) == 4
    del settings["trial"]["data"]["path"]
    settings["groups"][0]["grid"]["data.path"] = ["images.npz"]
    assert len(orch.plan(settings, home=home)) == 4


@pytest.mark.parametrize(
    ("source", "overrides", "message"),
    [
        ({"seeds": [0]}, None, "is no name of a sweep"),
        ({"sweep": "tiny", "nonsense": 1}, None, "nonsense"),
        ({"sweep": "tiny", "trial": {"data": object()}}, None, "cannot be written as YAML"),
        (yaml.safe_load(TINY), {"trial.nonsense": 1}, "nonsense"),
        (yaml.safe_load(TINY), {"trial.steps": object()}, "cannot be written as YAML"),
        ("nowhere.yaml", None, "nowhere.yaml"),
    ],
)
def test_a_wrong_sweep_is_one_clear_error(home: Path, source: Any, overrides: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        orch.plan(source, overrides, home=home)


def test_a_wrong_option_or_an_unknown_sweep_is_one_clear_error(home: Path) -> None:
    with pytest.raises(UserError, match="'worker'"):
        orch.sweep(yaml.safe_load(TINY), home=home, worker=2)
    with pytest.raises(UserError, match="nobody"):
        orch.load("nobody", home=home)


def test_a_sweep_in_another_thread_is_refused(home: Path) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(UserError, match="main thread"):
        pool.submit(orch.sweep, yaml.safe_load(TINY), home=home).result()


def test_a_finished_sweep_is_not_trained_again_and_ctrl_c_leaves_the_process_alive(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_home(home, copied := tmp_path / "copied")
    result = orch.sweep(yaml.safe_load(TINY), {"seeds": [0, 1]}, home=copied, quiet=True)
    assert len(result.trials) == 4
    monkeypatch.setattr("orchestrator.commands.sweep._exit_code", lambda *_: INTERRUPTED)
    with pytest.raises(KeyboardInterrupt, match="the same call goes on"):
        orch.sweep(yaml.safe_load(TINY), home=copied, quiet=True)


def test_loading_needs_neither_ray_nor_torch(home: Path) -> None:
    program = (
        "import sys, orchestrator as orch; print(sorted({'torch', 'ray', 'mlflow', 'pandas'} & sys.modules.keys()));"
        f"r = orch.load('tiny', home={str(home)!r}); r.trials, r.effects, r.histories, r.report({str(home / 'r')!r});"
        "r.best(); print(sorted({'torch', 'ray'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_every_function_says_what_it_does() -> None:
    for function in (orch.sweep, orch.load, orch.plan, orch.compare, SweepResults.best, SweepResults.report):
        assert len(inspect.getdoc(function) or "") > 60
    assert {"sweep", "load", "plan", "compare"} <= set(dir(orch))
    with pytest.raises(AttributeError, match="nonsense"):
        orch.nonsense  # noqa: B018
