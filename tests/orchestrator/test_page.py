"""The page and its figures, from made runs."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gan_core import stability
from orchestrator.report import figures, page, summary
from orchestrator.report.collect import CURVES, QUALITY_CURVES, RunData, SweepData, curve_titles

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


# Evaluators and verdicts

ONE, TWO = "classifier-11111111", "random-22222222"


def card(evaluator: str) -> dict[str, Any]:
    """Random features know no classes, so real images have no modes there."""
    kind = evaluator.split("-")[0]
    accuracy = 0.987 if kind == "classifier" else None
    kept_out = {"count": 256, "frechet": 1.1 if evaluator == ONE else 0.05, "precision": 0.5, "recall": 0.25}
    if kind == "classifier":
        kept_out |= {"modes": 10.0, "class_agreement": 0.98}
    about = {"weights": "abcdef", "samples": 5120, "compared": 4096, "real": 1541, "split": "train"}
    about |= {"preprocessing": "area means", "accuracy": accuracy, "kept_out": kept_out}
    return {"id": evaluator, "features": kind, **about}


def measured_run(group: str, seed: int, evaluator: str, frechet: float, verdict: str = "stable") -> RunData:
    """A run that `evaluator` measured, with a column of the other one that must not be looked at."""
    run = made_run(group, seed, verdict)
    other = TWO if evaluator == ONE else ONE
    run.evaluator = card(evaluator)
    quality = {"frechet": frechet, "best_frechet": frechet / 2, "precision": 0.75, "recall": 0.5, "modes": 9.0}
    quality["class_agreement"] = 0.875
    run.latest |= {f"{name}/{evaluator}": value for name, value in quality.items()}
    run.latest |= {f"{name}/{other}": 7777.0 for name in quality}
    run.curves |= {f"{name}/{evaluator}": [(10, 2 * frechet), (20, frechet)] for name in QUALITY_CURVES}
    return run


def measured_sweep(*runs: RunData) -> SweepData:
    return SweepData("s", "Why?", "sqlite:///x", "r", [], "s.yaml", [], list(runs))


def tables_of(text: str) -> dict[str, list[list[str]]]:
    """Evaluator -> rows of its table of configurations, as texts; from the page."""
    part = text[text.index("<h2>Configurations</h2>") :]
    part = part[: part.index("<h2>", 10)]
    headings = re.findall(r"<h3>Measured with ([^<]*)</h3>", part)
    found = []
    for table in re.findall(r"<tbody>(.*?)</tbody>", part, re.DOTALL):
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
        cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
        found.append([[re.sub("<[^>]*>", "", cell).strip() for cell in row] for row in cells])
    return dict(zip(headings or [""], found, strict=True))


def test_one_evaluator_has_one_table_without_a_heading_and_says_what_it_is(tmp_path: Path) -> None:
    text = written(measured_sweep(measured_run("a", 0, ONE, 11.0), measured_run("b", 0, ONE, 33.0)), tmp_path)
    ((heading, (first, second, real)),) = tables_of(text).items()
    assert heading == ""
    assert first[:10] == ["a noise=0.1", "stable", "1 of 1", "11", "5.5", "0.75", "0.5", "9", "0.875", "0.25"]
    assert second[:5] == ["b noise=0.1", "stable", "1 of 1", "33", "16.5"]
    assert real[:9] == ["256 real images kept out", "", "", "1.1", "", "0.5", "0.25", "10", "0.98"]
    assert "right on 98.7% of test images" in text
    assert "5,120 samples (4,096 of them for precision and recall) at fixed latents" in text
    assert "against the 1,541 images of the train part" in text


def test_random_features_have_no_classes_to_show(tmp_path: Path) -> None:
    ((_, (row, real)),) = tables_of(written(measured_sweep(measured_run("a", 0, TWO, 0.5)), tmp_path)).items()
    assert row[3] == "0.5"
    assert real[:9] == ["256 real images kept out", "", "", "0.05", "", "0.5", "0.25", "–", "–"]


def test_an_evaluator_without_images_kept_out_has_no_row_of_them(tmp_path: Path) -> None:
    run = measured_run("a", 0, TWO, 0.5)
    run.evaluator["kept_out"] = {}
    ((_, rows),) = tables_of(written(measured_sweep(run), tmp_path)).items()
    assert [row[0] for row in rows] == ["a noise=0.1"]


def test_two_evaluators_have_two_tables_and_never_share_a_column(tmp_path: Path) -> None:
    shared = [measured_run("both", 0, ONE, 10.0), measured_run("both", 1, ONE, 30.0), measured_run("both", 2, TWO, 0.5)]
    text = written(measured_sweep(measured_run("a", 0, ONE, 11.0), *shared, measured_run("b", 0, TWO, 0.25)), tmp_path)
    found = tables_of(text)
    assert list(found) == [ONE, TWO]
    shown = {
        evaluator: [(row[0], row[1], row[3], row[4]) for row in rows if row[1]] for evaluator, rows in found.items()
    }
    assert shown == {
        ONE: [("a noise=0.1", "stable", "11", "5.5"), ("both noise=0.1", "stable, stable", "20", "10")],
        TWO: [("both noise=0.1", "stable", "0.5", "0.25"), ("b noise=0.1", "stable", "0.25", "0.125")],
    }
    assert [rows[-1][3] for rows in found.values()] == ["1.1", "0.05"]  # what real images score under each
    for evaluator in (ONE, TWO):
        assert text.count(f"Evaluator {evaluator}:") == 1
    assert not re.search("7,?777", str(found))


def test_runs_that_nothing_measured_stand_with_their_seeds_or_in_the_first_table(tmp_path: Path) -> None:
    waiting, failed = made_run("b", 1, ""), made_run("c", 0, "")
    waiting.status, failed.status = "pending", "failed"
    runs = [measured_run("a", 0, ONE, 11.0), measured_run("b", 0, TWO, 0.5), waiting, failed]
    found = tables_of(written(measured_sweep(*runs), tmp_path))
    assert [row[:4] for row in found[ONE][:-1]] == [
        ["a noise=0.1", "stable", "1 of 1", "11"],
        ["c noise=0.1", "failed", "0 of 1", "–"],
    ]
    assert [row[:4] for row in found[TWO][:-1]] == [["b noise=0.1", "stable, pending", "1 of 1", "0.5"]]


def test_a_sweep_that_nothing_has_measured_has_a_page_all_the_same(tmp_path: Path) -> None:
    found = tables_of(written(measured_sweep(made_run("a", 0)), tmp_path))
    assert [row[:5] for row in found[""]] == [["a noise=0.1", "stable", "1 of 1", "–", "–"]]


def test_curves_of_quality_are_drawn_for_each_evaluator_apart(tmp_path: Path) -> None:
    runs = [measured_run("g", 0, ONE, 11.0), measured_run("g", 1, TWO, 0.5), made_run("g", 2)]
    data = measured_sweep(*runs)
    titles = curve_titles(data)
    assert list(titles)[: len(CURVES)] == list(CURVES)
    own = {f"{name}/{evaluator}" for name in QUALITY_CURVES for evaluator in (ONE, TWO)}
    assert set(titles) - set(CURVES) == own
    assert len(set(titles.values())) == len(titles)
    assert titles[f"frechet/{ONE}"] == f"Frechet distance ({ONE})"
    for evaluator, run in ((ONE, runs[0]), (TWO, runs[1])):
        for name in QUALITY_CURVES:
            figure = figures.curve_figure(data, "g", f"{name}/{evaluator}", titles[f"{name}/{evaluator}"])
            assert figure is not None
            ((trace),) = figure.data
            assert trace.name == f"{run.name} (stable)"
            assert list(trace.y) == [value for _, value in run.curves[f"{name}/{evaluator}"]]
    text = written(data, tmp_path)
    drawn = [json.loads(block) for block in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    assert [figure["layout"]["title"]["text"] for figure in drawn] == list(titles.values())


def test_curves_of_the_only_evaluator_need_no_id() -> None:
    titles = curve_titles(measured_sweep(measured_run("g", 0, ONE, 11.0)))
    assert titles[f"frechet/{ONE}"] == "Frechet distance"
    assert titles[f"coverage/{ONE}"] == "Coverage"


@pytest.mark.parametrize("verdict", [*stability.VERDICTS, "failed"])
def test_every_outcome_has_a_badge_of_its_own_colour_in_light_and_dark(verdict: str, tmp_path: Path) -> None:
    run = measured_run("g", 0, ONE, 11.0, verdict)
    run.since, run.reason = 17, "because it was so"
    text = written(measured_sweep(run), tmp_path)
    assert f'<span class="badge {verdict}" title="seed 0">{verdict}</span>' in text
    style = text[text.index("<style>") : text.index("</style>")]
    assert re.search(rf"\.{verdict} {{ color: var\(--{verdict}\); }}", style)
    light, dark = style.split("prefers-color-scheme: dark")
    for scheme in (light, dark):
        assert len(re.findall(rf"--{verdict}: #[0-9a-f]{{6}};", scheme)) == 1
    assert ("because it was so" in text) is (verdict != "stable")
