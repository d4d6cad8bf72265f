"""Each reader, on logs that the tools themselves have written: all of them hold the same runs."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from support.mirrors import empty_database
from support.other_tools import (
    BATCH_SIZE,
    OtherRun,
    other_runs,
    write_mlflow,
    write_stylegan,
    write_tensorboard,
    write_wandb,
    write_wandb_chart,
)

from orchestrator.errors import UserError
from orchestrator.imports import readers
from orchestrator.imports.mapping import Kind, Mapping, MetricSource, StepSource
from orchestrator.imports.source_run import Point, SourceLog
from orchestrator.imports.wandb_folder import BLOCK, HEADER, PIECE, records

RUNS = [run for number, run in enumerate(other_runs(seeds=2)) if number in (0, 3, 4, 7)]
"""Each setting has two values; the third run diverges. W&B takes a second or more to write one."""


def mapping(kind: Kind, source: Path | str, *metrics: str, **more: Any) -> Mapping:
    return Mapping(
        "map.yaml", "", "s", "", kind, str(source), metrics={name: MetricSource(name) for name in metrics}, **more
    )


def values(points: list[Point], scale: float = 1.0) -> dict[int, float]:
    return {round(point.position * scale): point.value for point in points}


def expected(run: OtherRun, name: str) -> dict[int, float]:
    return {int(row["step"]): row[name] for row in run.rows if name in row}


def assert_same(log: SourceLog, names: dict[str, str], settings: dict[str, str], scale: float = 1.0) -> None:
    """names: of a metric in RUNS -> in the log; settings: likewise."""
    assert len(log.runs) == len(RUNS)
    by_settings = {tuple(run.settings[name] for name in settings.values()): run for run in log.runs}
    for run in RUNS:
        found = by_settings[tuple(run.settings[name] for name in settings)]
        for name, theirs in names.items():
            assert values(found.series[theirs], scale) == pytest.approx(expected(run, name), nan_ok=True, rel=1e-6)


# TensorBoard


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tensorboard")
    write_tensorboard(folder, RUNS)
    return folder


def test_tensorboard_scalars_and_hparams(events: Path) -> None:
    log = readers.read(mapping("tensorboard", events, "train/g_loss", "train/fid"))
    settings = {"lr": "lr", "r1": "r1", "seed": "seed"}
    assert_same(log, {"g_loss": "train/g_loss", "fid": "train/fid"}, settings)
    assert log.runs[0].settings["norm"] == "batch" and log.runs[0].series["train/fid"][0].time_ms
    assert {"train/d_acc", "norm"} <= set(log.names)


def test_a_folder_of_events_without_mapped_metrics_is_left_out_and_named(events: Path, tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "other")) as writer:
        writer.add_scalar("accuracy", 1.0, 1)
    with SummaryWriter(str(tmp_path / "run")) as writer:
        writer.add_scalar("g", 1.0, 1)
    log = readers.read(mapping("tensorboard", tmp_path, "g"))
    assert [run.name for run in log.runs] == ["run"]
    assert log.cautions == ["folders without any of the mapped metrics are left out: other"]
    with pytest.raises(UserError, match=r"has no run with any of the mapped metrics \(h\)"):
        readers.read(mapping("tensorboard", tmp_path, "h"))


def test_scalars_of_tensorflow_2_are_read(tmp_path: Path) -> None:
    """As `tf.summary.scalar` writes them: tensors, made by TensorBoard's own function."""
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from torch.utils.tensorboard import FileWriter

    writer = FileWriter(str(tmp_path / "tf"))
    for step in (1, 2):
        writer.add_summary(scalar_pb("g", float(step)), global_step=step)
    writer.close()
    [run] = readers.read(mapping("tensorboard", tmp_path, "g")).runs
    assert values(run.series["g"]) == {1: 1.0, 2: 2.0}


def test_an_event_file_that_was_cut_off_is_read_up_to_there(events: Path, tmp_path: Path) -> None:
    [source] = (events / RUNS[0].name).glob("*tfevents*")
    content = source.read_bytes()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / source.name).write_bytes(content[: len(content) // 2])
    [run] = readers.read(mapping("tensorboard", tmp_path, "train/g_loss")).runs
    assert 0 < len(run.series["train/g_loss"]) < len(expected(RUNS[0], "g_loss"))


# W&B


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wandb")
    write_wandb(folder, RUNS)
    return folder


def test_wandb_offline_runs(offline: Path) -> None:
    log = readers.read(mapping("wandb", offline, "train.g_loss", "fid"))
    settings = {"lr": "optimizer.lr", "r1": "r1", "seed": "seed"}
    assert_same(log, {"g_loss": "train.g_loss", "fid": "fid"}, settings)
    assert {run.name for run in log.runs} == {run.name for run in RUNS} and log.cautions == []
    assert any(math.isnan(point.value) for run in log.runs for point in run.series["train.g_loss"])


def test_a_logged_value_may_be_the_step_of_wandb(offline: Path) -> None:
    log = readers.read(mapping("wandb", offline, "train.g_loss", step=StepSource("train.d_acc")))
    assert all(0.5 <= point.position <= 1 for run in log.runs for point in run.series["train.g_loss"])


def test_a_wandb_run_that_was_killed_is_read_up_to_there_and_told(offline: Path, tmp_path: Path) -> None:
    source = sorted(offline.rglob("run-*.wandb"))[0]
    (tmp_path / source.name).write_bytes(source.read_bytes()[:-400])
    log = readers.read(mapping("wandb", tmp_path, "fid"))
    assert len(log.runs) == 1 and "did not end by themselves" in log.cautions[0]


def test_pieces_of_a_record_are_put_together() -> None:
    """As LevelDB's log format splits a record that does not fit into its block of 32 kB."""
    record = bytes(range(256)) * 300
    content, rest, kind = b":W&B\xe1\xbe\x00", record, 2
    while rest:
        room = BLOCK - len(content) % BLOCK - PIECE.size
        piece, rest = rest[:room], rest[room:]
        content += PIECE.pack(0, len(piece), 4 if not rest else kind) + piece
        kind = 3
    content += PIECE.pack(0, 3, 1) + b"end"
    assert len(content) > 2 * BLOCK and list(records(content)) == [record, b"end"]
    assert list(records(content[: HEADER + 100])) == []


def test_wandb_charts_are_put_together_by_the_names_of_their_runs(tmp_path: Path) -> None:
    for metric in ("g_loss", "fid"):
        write_wandb_chart(tmp_path / f"chart-{metric}.csv", RUNS, metric)
    source = mapping("wandb", tmp_path / "chart-*.csv", "g_loss", "fid", pattern="dcgan-lr{lr}-r{r1}-s{seed}")
    assert_same(readers.read(source), {"g_loss": "g_loss", "fid": "fid"}, {"lr": "lr", "r1": "r1", "seed": "seed"})
    with pytest.raises(UserError, match="the x axis of the chart is Step, not kimg"):
        readers.read(mapping("wandb", tmp_path / "chart-*.csv", "fid", step=StepSource("kimg")))


def test_a_history_that_wandbs_api_wrote(tmp_path: Path) -> None:
    text = ",_step,_runtime,_timestamp,g_loss,picture\n0,0,1.5,1700000000.5,,\n1,10,2,1700000001,0.5,a.png\n"
    (tmp_path / "run-s3.csv").write_text(text)
    [run] = readers.read(mapping("wandb", tmp_path / "run-s3.csv", "g_loss", pattern="run-s{seed}")).runs
    assert run.settings == {"seed": 3} and run.series["g_loss"] == [Point(10, 0.5, 1_700_000_001_000)]


def test_a_csv_that_is_not_wandbs_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("step,g_loss\n1,2\n")
    with pytest.raises(UserError, match=r"from: \{csv: \.\.\.\}"):
        readers.read(mapping("wandb", tmp_path / "h.csv", "g_loss"))


def test_a_name_that_does_not_follow_the_pattern_is_told(offline: Path) -> None:
    with pytest.raises(UserError, match=r"does not follow 'x-\{lr\}'"):
        readers.read(mapping("wandb", offline, "fid", pattern="x-{lr}"))


# MLflow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("mlflow") / "old.db"
    file.write_bytes(empty_database())
    write_mlflow(f"sqlite:///{file}", "gans of 2024", RUNS)
    return f"sqlite:///{file}"


def test_mlflow_runs(store: str) -> None:
    log = readers.read(mapping("mlflow", store, "g_loss", "fid", experiment="gans of 2024"))
    assert_same(log, {"g_loss": "g_loss", "fid": "fid"}, {"lr": "lr", "r1": "r1", "seed": "tags.seed"})
    assert "d_acc" in log.names and log.runs[0].name == RUNS[0].name


def test_an_experiment_that_is_not_there_is_told_with_the_nearest_one(store: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no experiment 'gans of 2042', did you mean gans of 2024"):
        readers.read(mapping("mlflow", store, "fid", experiment="gans of 2042"))
    with pytest.raises(UserError, match=r"gone\.db does not exist"):
        readers.read(mapping("mlflow", f"sqlite:///{tmp_path}/gone.db", "fid", experiment="x"))
    assert not list(tmp_path.iterdir()), "MLflow would make a database"
    for address in ("http://me:secret@127.0.0.1:9", "no:address@secret"):
        with pytest.raises(UserError, match="no MLflow answers at this address") as caught:
            readers.read(mapping("mlflow", address, "fid", experiment="x"))
        assert "secret" not in str(caught.value)


# StyleGAN

STYLEGAN = ("Loss/G/loss", "fid50k_full", "accuracy on real images")


def test_stylegan_runs(tmp_path: Path) -> None:
    write_stylegan(tmp_path, RUNS)
    log = readers.read(mapping("stylegan", tmp_path, *STYLEGAN))
    settings = {"lr": "G_opt_kwargs.lr", "r1": "loss_kwargs.r1_gamma", "seed": "random_seed"}
    assert_same(log, {"fid": "fid50k_full"}, settings, scale=1000 / BATCH_SIZE)
    run = log.runs[0]
    losses = values(run.series["Loss/G/loss"], 1000 / BATCH_SIZE)
    assert {step: losses[step] for step in expected(RUNS[0], "g_loss")} == expected(RUNS[0], "g_loss")
    accuracies = values(run.series["accuracy on real images"], 1000 / BATCH_SIZE)
    assert {step: accuracies[step] for step in expected(RUNS[0], "d_acc")} == pytest.approx(expected(RUNS[0], "d_acc"))
    assert run.evaluator == "StyleGAN's metrics against digits-32x32.zip"


def test_a_stylegan_run_that_began_from_a_trained_generator_has_no_untrained_one(tmp_path: Path) -> None:
    write_stylegan(tmp_path, RUNS[:1])
    [options] = tmp_path.rglob("training_options.json")
    options.write_text(json.dumps(json.loads(options.read_text()) | {"resume_pkl": "ffhq.pkl"}))
    log = readers.read(mapping("stylegan", tmp_path, *STYLEGAN))
    assert 0 not in values(log.runs[0].series["fid50k_full"]) and "began from a trained generator" in log.cautions[0]


def test_a_last_line_that_was_cut_off_is_left_out_and_another_is_told(tmp_path: Path) -> None:
    write_stylegan(tmp_path, RUNS[:1])
    [stats] = tmp_path.rglob("stats.jsonl")
    lines = stats.read_text().splitlines()
    stats.write_text("\n".join([*lines[:5], lines[5][:30]]))
    assert len(readers.read(mapping("stylegan", tmp_path, *STYLEGAN)).runs[0].series["Loss/G/loss"]) == 5
    stats.write_text("\n".join([lines[0][:30], *lines[1:]]))
    with pytest.raises(UserError, match=r"stats\.jsonl line 1 is no JSON"):
        readers.read(mapping("stylegan", tmp_path, *STYLEGAN))


def test_a_stylegan_run_without_its_options_is_told(tmp_path: Path) -> None:
    write_stylegan(tmp_path, RUNS[:1])
    [options] = tmp_path.rglob("training_options.json")
    options.unlink()
    with pytest.raises(UserError, match=r"training_options\.json is missing"):
        readers.read(mapping("stylegan", tmp_path, *STYLEGAN))


# All

EMPTY: list[tuple[Kind, str]] = [
    ("tensorboard", "no event files"),
    ("wandb", "no run that W&B recorded"),
    ("stylegan", "holds no stats.jsonl"),
]


@pytest.mark.parametrize(("kind", "message"), EMPTY)
def test_a_folder_without_logs_is_told(kind: Kind, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        readers.read(mapping(kind, tmp_path, "g"))
    with pytest.raises(UserError, match="does not exist; give the folder"):
        readers.read(mapping(kind, tmp_path / "gone", "g"))


@pytest.mark.parametrize(("kind", "module"), [("tensorboard", "tensorboard"), ("wandb", "wandb")])
def test_a_package_that_is_not_installed_is_one_line(
    kind: Kind, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"needs the package {module}: pip install 'gan-orchestrator\[import\]'"):
        readers.read(mapping(kind, tmp_path, "g"))
