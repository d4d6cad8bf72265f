"""report.md: read by a code host, so names are no markup there, and every picture that it names is there."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from support.made_runs import LR, NOISE, ONE, drawn, made_run, made_sweep, measured, noise_decides, png

from orchestrator.report import markdown
from orchestrator.report.artifact_schemas import LoggedImport
from orchestrator.report.content import report_content
from orchestrator.report.data import SweepData

EVIL = "[a](http://evil) *b* | <img src=x> `c`"


def written(data: SweepData, folder: Path) -> str:
    markdown.write(report_content(data), folder)
    return (folder / "report.md").read_text(encoding="utf-8")


def whole_sweep() -> SweepData:
    """Everything that there is a picture of."""
    runs = [drawn(measured(run, 3.0 if run.verdict == "stable" else 50.0)) for run in noise_decides(2)]
    return made_sweep(*runs, real=[("real images", png())])


def test_every_picture_that_it_names_is_there_with_an_alt_text(tmp_path: Path) -> None:
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", written(whole_sweep(), tmp_path))
    assert [name for _, name in pictures] == ["effects.png", "survival.png", "curves.png", "samples.png"]
    for text, name in pictures:
        assert text
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 300
            assert len(picture.convert("L").getcolors() or range(257)) > 2  # something is drawn
    assert {file.name for file in tmp_path.iterdir()} == {"report.md", *(name for _, name in pictures)}


def test_what_is_not_known_is_not_drawn_and_pictures_of_before_do_not_stay(tmp_path: Path) -> None:
    written(whole_sweep(), tmp_path)
    text = written(made_sweep(made_run(), made_run(seed=1)), tmp_path)
    assert "![" not in text
    assert [file.name for file in tmp_path.iterdir()] == ["report.md"]


def test_names_of_any_script_print_no_warning(tmp_path: Path) -> None:
    runs = [made_run({"学習率": level}, seed, "collapsed", since=10) for level in (1, 2) for seed in (0, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "学習率" in written(made_sweep(*runs), tmp_path)
    assert (tmp_path / "effects.png").exists()


def test_imported_runs_are_said_to_be_trained_elsewhere(tmp_path: Path) -> None:
    origin = LoggedImport(source="h.csv", mapped=["lr -> setting lr"])
    text = written(made_sweep(*noise_decides(2), imports={"s": origin}), tmp_path)
    assert "Trained elsewhere, and imported by" in text and "Next, " not in text
    assert "Next, " in written(made_sweep(*noise_decides(2)), tmp_path)


def test_names_are_no_markup(tmp_path: Path) -> None:
    runs = [made_run({LR: EVIL, NOISE: noise}, seed, group=EVIL) for noise in (0.0, 0.1) for seed in (0, 1)]
    data = made_sweep(*runs, name=EVIL, question=EVIL, cautions=[EVIL], commands=[["orchestrate", "sweep", "s.yaml"]])
    text = written(data, tmp_path)
    escaped = r"\[a\](http://evil) \*b\* \| \<img src=x\> \`c\`"
    assert text.startswith(f"# {escaped}\n")
    assert f"Caution: {escaped}" in text
    for line in text.splitlines():
        if not line.startswith(("Next, ", "Made by ", "![")):
            assert not re.search(r"(?<!\\)[*<`]", line), line
            assert EVIL not in line


def test_a_name_with_bars_and_line_breaks_stays_in_its_cell(tmp_path: Path) -> None:
    text = written(made_sweep(made_run(group="a | b\nc")), tmp_path)
    (row,) = [line for line in text.splitlines() if line.startswith("| a ")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


def test_the_leaderboard_is_a_table_best_first_with_the_pages_numbers(tmp_path: Path) -> None:
    runs = [measured(made_run({NOISE: 0.1}, seed), 3.0) for seed in (0, 1)]
    runs += [measured(made_run({NOISE: 0.2}, 0, "collapsed"), 50.0), made_run({NOISE: 0.2}, 1, "", status="failed")]
    lines = written(made_sweep(*runs), tmp_path).splitlines()
    start = lines.index("|---|---|---|---|---|---|")
    assert lines[start + 1] == "| g noise=0.1 | 2 stable | 2 of 2 | 34% to 100% | 3 | 1.5 |"
    assert lines[start + 2] == "| g noise=0.2 | 1 collapsed, 1 failed | 0 of 2 | 0% to 66% | 50 | 25 |"


def test_it_gives_the_answer_what_to_run_next_and_how_to_run_it_again(tmp_path: Path) -> None:
    data = made_sweep(*noise_decides(1), commands=[["orchestrate", "sweep", "my s.yaml", "--set", "a=[1,2]"]])
    text = written(data, tmp_path)
    assert "2 of 4 runs were stable" in text
    (command,) = re.findall("^Next, more seeds, to tell settings from luck:\n\n    (.*)$", text, re.MULTILINE)
    words = ["orchestrate", "sweep", "my s.yaml", "--set", "a=[1,2]", "--set", "seeds=[0,1,2]"]
    assert shlex.split(command) == words
    assert "    orchestrate sweep 'my s.yaml' --set 'a=[1,2]'\n" in text


def test_a_run_that_diverged_does_not_squeeze_the_others_in_the_picture(tmp_path: Path) -> None:
    """However far off it went, the frame is that of the others."""

    def picture(value: float) -> bytes:
        runs = [drawn(made_run(seed=seed)) for seed in (0, 1)]
        blown = drawn(made_run(seed=2, verdict="diverged"))
        steps, _ = blown.history["loss/generator"]
        blown.history["loss/generator"] = (steps, np.full(len(steps), value))
        written(made_sweep(*runs, blown), tmp_path)
        return (tmp_path / "curves.png").read_bytes()

    assert picture(1e6) == picture(1e9)
    assert picture(0.3) != picture(1e9)  # within the frame it is seen


def test_numbers_of_two_evaluators_stand_in_rows_of_their_own(tmp_path: Path) -> None:
    text = written(
        made_sweep(measured(made_run(), 3.0, ONE), measured(made_run(seed=1), 0.25, "random-22222222")), tmp_path
    )
    assert "| 3 | 1.5 |" in text
    assert "| 0.25 | 0.125 |" in text


def test_held_out_images_are_the_last_row_and_a_line_in_the_curves(tmp_path: Path) -> None:
    text = written(made_sweep(measured(made_run(), 3.0)), tmp_path)
    assert "| 256 real images, held out | | | | 1.1 | |\n" in text
    with_baseline = (tmp_path / "curves.png").read_bytes()
    run = measured(made_run(), 3.0)
    assert run.evaluator
    run.evaluator = run.evaluator.model_copy(update={"kept_out": None})
    assert "held out" not in written(made_sweep(run), tmp_path)
    assert (tmp_path / "curves.png").read_bytes() != with_baseline
