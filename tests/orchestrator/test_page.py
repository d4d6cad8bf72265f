"""The page and its figures, from made runs."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from gan_core import stability
from orchestrator.report import figures, page, summary
from orchestrator.report.collect import CURVES, RunData, SweepData

EVIL = "</script><script>alert(1)</script>"


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, format="PNG")
    return buffer.getvalue()


def made_run(group: str, seed: int, verdict: str = "stable", factor: float = 0.1) -> RunData:
    configuration = f"{group} noise={factor}"
    run = RunData(
        f"{configuration}{seed}", f"{configuration} seed={seed}", group, configuration, seed, {"noise": factor}, 20
    )
    run.run_id, run.status, run.verdict, run.reason = "r", "finished", verdict, f"because {group}"
    run.curves = {metric: [(10, 0.5), (20, 0.25)] for metric in CURVES}
    run.latest = dict.fromkeys(CURVES, 0.25)
    run.picture, run.picture_step = png(), 20
    return run


@pytest.fixture
def data() -> SweepData:
    runs = [
        made_run(group, seed, factor=factor) for group in ("plain", EVIL) for factor in (0.1, 0.2) for seed in (0, 1)
    ]
    runs.append(made_run("plain", 2, "collapsed"))
    waiting = RunData("w", "plain waiting", "plain", "plain waiting", 0, {}, 20)
    real = {"plain": png(), EVIL: png()}
    cautions, overrides = [f"beware {EVIL}"], [f"trial.x={EVIL}"]
    return SweepData("s", f"Why {EVIL}?", "sqlite:///x", "r", cautions, "s.yaml", overrides, [*runs, waiting], real)


def written(data: SweepData, folder: Path) -> str:
    page.write(data, summary.answer(data), folder / "report.html")
    return (folder / "report.html").read_text()


def test_names_cannot_inject_script_or_markup(data: SweepData, tmp_path: Path) -> None:
    text = written(data, tmp_path)
    assert EVIL not in text
    assert "alert(1)" in text  # it is there, as text


def test_every_figure_in_the_page_is_json_that_plotly_can_draw(data: SweepData, tmp_path: Path) -> None:
    text = written(data, tmp_path)
    found = [json.loads(block) for block in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    assert len(found) == 2 * len(CURVES)
    for figure in found:
        assert [trace["type"] for trace in figure["data"]] == ["scatter"] * len(figure["data"])
        assert list(figure["data"][0]["x"]) == [10, 20]


def test_plotly_is_in_the_page_once_and_nothing_is_loaded_from_elsewhere(data: SweepData, tmp_path: Path) -> None:
    text = written(data, tmp_path)
    assert text.count("plotly.js v") == 1
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*"', text.split("plotly.js v")[0])


def test_every_trial_has_its_picture_its_verdict_and_an_alt_text(data: SweepData, tmp_path: Path) -> None:
    text = written(data, tmp_path)
    pictures = re.findall(r"<img [^>]*>", text)
    assert len(pictures) == 9 + 1
    assert all('alt="' in picture for picture in pictures)
    assert "because plain" in text  # the evidence of what went wrong
    assert "plain waiting" in text


def test_a_configuration_keeps_its_colour_and_a_seed_its_line(data: SweepData) -> None:
    one, other = (figures.curve_figure(data, "plain", metric, metric) for metric in ("loss/generator", "accuracy/auc"))
    assert one is not None
    assert other is not None
    looks = [[(trace.name, trace.line.color, trace.line.dash) for trace in figure.data] for figure in (one, other)]
    assert looks[0] == looks[1]
    colours = {name.rsplit(" seed", 1)[0]: colour for name, colour, _ in looks[0]}
    assert len(set(colours.values())) == len(colours) == 2
    assert dict(figures.legend(data, "plain")) == colours | {"plain waiting": figures.PALETTE[2]}


def test_nothing_measured_is_no_figure(data: SweepData) -> None:
    assert figures.curve_figure(data, "plain", "loss/unknown", "Unknown") is None


def test_the_frame_fits_the_runs_that_did_not_diverge(data: SweepData) -> None:
    blown = made_run("plain", 3, "diverged")
    blown.curves["loss/generator"] = [(10, 1e9)]
    data.runs.append(blown)
    figure = figures.curve_figure(data, "plain", "loss/generator", "Generator loss")
    assert figure is not None
    low, high = figure.layout.yaxis.range
    assert low < 0.25
    assert 0.5 < high < 1
    assert len(figure.data) == 6  # it is drawn all the same


def test_the_page_gives_the_rules_with_their_numbers_and_the_whole_command(data: SweepData, tmp_path: Path) -> None:
    text = written(data, tmp_path)
    assert f"beyond {stability.LOSS_LIMIT:g} in size" in text
    assert f"less than {stability.COLLAPSE_RATIO:g} of the training images" in text
    assert f"more than {stability.OSCILLATION:g} times the best" in text
    assert not [name for name in stability.THRESHOLDS if name in text]
    assert "orchestrate sweep s.yaml --set" in text
