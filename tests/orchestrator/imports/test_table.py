"""Histories in CSV and parquet files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.other_tools import other_runs, write_table

from orchestrator.errors import UserError
from orchestrator.imports import table
from orchestrator.imports.mapping import Mapping, MetricSource, StepSource
from orchestrator.imports.source_run import Point, SourceLog

LOSS = {"loss/generator": MetricSource("g_loss")}
HEADER = "lr,seed,step,g_loss,fid\n"


def read(file: Path, **more: Any) -> SourceLog:
    fields: dict[str, Any] = {
        "kind": "parquet" if file.suffix == ".parquet" else "csv",
        "settings": {"optimizer.lr": "lr"},
        "seed": "seed",
        "step": StepSource("step"),
        "metrics": {"loss/generator": MetricSource("g_loss"), "frechet": MetricSource("fid")},
    }
    return table.read(Mapping("map.yaml", "", "s", "", source=str(file), **(fields | more)))


def csv(tmp_path: Path, text: str, **more: Any) -> SourceLog:
    file = tmp_path / "h.csv"
    file.write_text(text, encoding="utf-8")
    return read(file, **more)


def error(tmp_path: Path, text: str, **more: Any) -> str:
    with pytest.raises(UserError) as caught:
        csv(tmp_path, text, **more)
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("name", ["h.csv", "h.parquet"])
def test_what_pandas_writes_is_read(tmp_path: Path, name: str) -> None:
    runs = other_runs(seeds=2)
    write_table(tmp_path / name, runs)
    log = read(tmp_path / name, settings={"lr": "lr", "r1": "r1"}, empty_is_nan=True)
    assert [run.settings for run in log.runs] == [run.settings for run in runs]
    for run, source in zip(log.runs, runs, strict=True):
        expected = [(row["step"], row["fid"]) for row in source.rows if "fid" in row]
        assert [(point.position, pytest.approx(point.value)) for point in run.series["fid"]] == expected
    assert "note" in log.names


def test_rows_of_one_setting_and_seed_are_a_run_whatever_their_order(tmp_path: Path) -> None:
    log = csv(tmp_path, HEADER + "0.1,1,20,2,\n0.1,0,10,5,9\n0.1,1,10,1,8\n")
    assert [run.name for run in log.runs] == ["lr=0.1 seed=1", "lr=0.1 seed=0"]
    assert log.runs[0].series == {"g_loss": [Point(20, 2.0), Point(10, 1.0)], "fid": [Point(10, 8.0)]}


def test_a_column_tells_runs_apart(tmp_path: Path) -> None:
    text = "id,lr,seed,step,g_loss,fid\nb,0.1,0,1,1,\na,0.1,0,1,2,\n"
    assert [run.name for run in csv(tmp_path, text, run="id").runs] == ["b", "a"]
    assert "`run: COLUMN`" in error(tmp_path, text)


def test_rows_of_a_step_complete_one_another(tmp_path: Path) -> None:
    log = csv(tmp_path, HEADER + "0.1,0,10,1.5,\n0.1,0,10,,30\n0.1,0,10,1.5,\n")
    assert log.runs[0].series == {"g_loss": [Point(10, 1.5)], "fid": [Point(10, 30.0)]}


def test_nan_and_an_empty_cell_differ(tmp_path: Path) -> None:
    series = csv(tmp_path, HEADER + "0.1,0,10,nan,\n0.1,0,20,-inf,null\n").runs[0].series
    assert math.isnan(series["g_loss"][0].value) and series["g_loss"][1].value == -math.inf
    assert "fid" not in series


def test_a_loss_that_ends_early_is_told_and_may_count_as_nan(tmp_path: Path) -> None:
    text = HEADER + "".join(f"0.1,0,{step},{'1.0' if step < 4 else ''},\n" for step in range(1, 8))
    asked = error(tmp_path, text)
    assert "empty_is_nan is missing: g_loss is empty up to the end of lr=0.1 seed=0" in asked
    log = csv(tmp_path, text, empty_is_nan=False)
    assert log.cautions == ["g_loss is empty up to the end of lr=0.1 seed=0: taken as not logged"]
    assert [point.position for point in log.runs[0].series["g_loss"]] == [1, 2, 3]
    told = csv(tmp_path, text, empty_is_nan=True)
    assert told.cautions == [] and math.isnan(told.runs[0].series["g_loss"][-1].value)
    assert told.runs[0].series["g_loss"][-1].position == 4


def test_a_loss_that_is_logged_rarely_does_not_end_early(tmp_path: Path) -> None:
    text = HEADER + "".join(f"0.1,0,{step},{'1.0' if step % 3 == 0 else ''},\n" for step in range(12))
    log = csv(tmp_path, text, empty_is_nan=True)
    assert log.cautions == [] and [point.value for point in log.runs[0].series["g_loss"]] == [1.0] * 4


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_a_byte_order_mark_and_unicode_are_read(tmp_path: Path, separator: str) -> None:
    file = tmp_path / "größe.csv"
    text = HEADER + "straße,0,10,1.5,30\n"
    file.write_text(text.replace(",", separator), encoding="utf-8-sig")
    assert read(file).runs[0].settings == {"lr": "straße", "seed": 0}


def test_each_file_of_a_pattern_is_a_run(tmp_path: Path) -> None:
    for name in ("dcgan-s1", "dcgan-s0"):
        (tmp_path / f"{name}.csv").write_text("step,g_loss\n1,0.5\n", encoding="utf-8")
    log = read(tmp_path / "*.csv", settings={}, pattern="dcgan-s{seed}", metrics=LOSS)
    assert [run.name for run in log.runs] == ["dcgan-s0", "dcgan-s1"]


def test_an_empty_setting_is_none(tmp_path: Path) -> None:
    assert csv(tmp_path, HEADER + ",0,10,1,\n").runs[0].settings == {"lr": None, "seed": 0}


def test_all_names_that_no_column_has_are_told_at_once(tmp_path: Path) -> None:
    lines = error(tmp_path, "lr,seeds,stepp,g_loss\n1,0,1,1\n").split("\n")
    assert [line.split(": ")[1] for line in lines] == ["step", "seed", "metrics.frechet"]
    assert "did you mean stepp?" in lines[0] and "`without_seeds: true`" in lines[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "0.1,0,10,abc,\n", "h.csv line 2: g_loss is 'abc', which is not a number"),
        (HEADER + "0.1,0,10,1,\n0.1,0,,1,\n", "h.csv line 3: the step (step) is ''; a number from 0 on is needed"),
        (HEADER + "0.1,0,-5,1,\n", "h.csv line 2: the step (step) is '-5'; a number from 0 on is needed"),
        (HEADER + "0.1,0,10,1,\n0.1,0,10,2,\n", "has a second value at step 10 (the first: line 2)"),
        ("lr,seed,stepp,g_loss,fid\n1,0,1,1,\n", "h.csv has no column 'step', did you mean stepp?"),
        ("", "h.csv cannot be read as CSV: No columns to parse"),
        (HEADER + '"0.1,0\n', "cannot be read as CSV"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    said = error(tmp_path, text)
    assert message in said and "\n" not in said


def test_a_setting_that_changes_within_a_run_is_refused(tmp_path: Path) -> None:
    text = "id,lr,seed,step,g_loss,fid\na,0.1,0,1,1,\na,0.2,0,2,2,\n"
    assert "h.csv line 3: the run 'a' has several values of lr (0.1, 0.2)" in error(tmp_path, text, run="id")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; give a file, or a pattern"):
        read(tmp_path / "gone.csv")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "latin.csv").write_bytes("lr,größe\n".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8 text"):
        read(tmp_path / "latin.csv")
    (tmp_path / "h.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UserError, match="cannot be read as parquet"):
        read(tmp_path / "h.parquet")


def test_a_table_without_rows_has_no_runs(tmp_path: Path) -> None:
    assert csv(tmp_path, HEADER).runs == []
    pd.DataFrame({"lr": [], "seed": [], "step": [], "g_loss": []}).to_parquet(tmp_path / "e.parquet")
    assert read(tmp_path / "e.parquet", metrics=LOSS).runs == []
