"""The report of a sweep that trained until its question was answered."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
from support.made_runs import LR, NOISE, made_sweep, noise_decides, page_of, summary_of

from orchestrator.report import tables
from orchestrator.report.answer_section import picture, rows_of, sentences
from orchestrator.report.artifact_schemas import LoggedAnswer
from orchestrator.report.content import report_content


def comparison(factor: str, state: str, outcome: str, looks: list[list[float]], **more: Any) -> dict[str, Any]:
    margin = 0.2 if outcome == "stable" else 0.1
    named = {"group": "g", "factor": factor, "before": "0", "after": "0.1", "margin": margin}
    return {**named, "state": state, "outcome": outcome, "looks": looks, "chance": 0.5, "takes": None, **more}


def answer(*comparisons: dict[str, Any], **more: Any) -> LoggedAnswer:
    fields = {"first": 3, "most": 20, "seeds": 5, "trials": 20, "at_most": 80, "end": "answered"}
    return LoggedAnswer.model_validate({**fields, "comparisons": list(comparisons), "best": None, **more})


SHOWN = comparison(NOISE, "shown", "stable", [[3, 0.5, -0.2, 1.0], [5, 0.6, 0.25, 0.95]])
SMALL = comparison(NOISE, "small", "quality", [[5, 0.01, -0.06, 0.08]])
OPEN = comparison(LR, "open", "stable", [[5, 0.1, -0.3, 0.5]], takes=31)
UNKNOWN = comparison(LR, "open", "quality", [])
WHOLE = answer(OPEN, UNKNOWN, SMALL, SHOWN, end="out of reach")


def test_the_answer_is_what_is_shown_then_what_does_not_matter_then_what_is_open() -> None:
    lines = sentences(WHOLE)
    kinds = [sentence.split(":")[0] for sentence in lines[:3]]
    assert kinds == ["Shown", "Shown not to matter", "Open"]
    assert "+60 points (+25 to +95), after 5 seeds, with noise from 0 to 0.1" in lines[0]
    assert "changes the Frechet distance of the runs that drew by less than x1.11" in lines[1]
    assert "about 31 seeds" in lines[2] and "too few pairs that both drew" in lines[2]
    assert lines[3].startswith("It ended after 20 of at most 80 trials, 5 seeds")


def test_the_best_configuration_is_named_only_if_no_other_can_be_it() -> None:
    assert "Shown: the best configuration is a." in sentences(answer(best=["a"]))
    assert "a leads; b can be the best, too." in sentences(answer(best=["a", "b"]))
    many = next(line for line in sentences(answer(best=list("abcdefg"))) if line.startswith("a leads"))
    assert many == "a leads; b, c, d and 3 more can be the best, too."


def test_only_what_the_looks_took_counts_and_other_trials_are_named_apart() -> None:
    assert sentences(answer(SHOWN, looked_at=17, trials=17))[-1] == "Answered after 17 of at most 80 trials, 5 seeds."
    assert (
        "after 17 of at most 80 trials, 5 seeds (3 more ended without a look)."
        in sentences(answer(SHOWN, looked_at=17))[-1]
    )


def test_ratios_are_readable_and_an_end_that_is_not_one_is_not_written_as_one() -> None:
    def of(*changes: float) -> str:
        looks = [[5, *map(math.log, changes)]]
        return rows_of(answer(comparison(NOISE, "shown", "quality", looks)))[0].change

    assert of(173.2, 9.7, 2911) == "x170 (9.7 to 2,900)"
    assert of(1.05, 1.004, 1.12) == "x1.05 (1.004 to 1.1)"
    assert of(0.0123, 0.0004, 0.9996) == "x0.012 (0.0004 to 0.9996)"
    assert of(1, 1e-40, 1e40) == "x1 (0 to ∞)"


def test_quality_is_said_to_be_of_the_runs_that_drew() -> None:
    (line,) = [line for line in sentences(answer(SMALL)) if line.startswith("Shown not to matter")]
    assert "changes the Frechet distance of the runs that drew by less than x1.11" in line


def test_an_open_comparison_that_takes_very_many_seeds_is_said_to() -> None:
    assert "(more seeds than can be said)" in sentences(answer({**OPEN, "takes": None}))[1]


def test_before_the_first_look_nothing_is_claimed() -> None:
    lines = sentences(answer(comparison(NOISE, "open", "stable", []), seeds=0, trials=2, end="", best=["a", "b"]))
    assert lines == ["It goes on: 2 of at most 80 trials, 0 seeds so far."]


def test_a_design_that_was_changed_after_a_look_is_exploratory() -> None:
    assert "exploratory" in sentences(answer(SHOWN, other_looks=["3 to 8 seeds"]))[-1]
    assert "exploratory" not in " ".join(sentences(answer(SHOWN)))


def test_the_page_has_a_row_for_each_comparison_with_its_interval_seeds_and_looks(tmp_path: Path) -> None:
    data = made_sweep(*noise_decides(3), answer=WHOLE)
    html = page_of(data, tmp_path)
    assert [row.state for row in rows_of(WHOLE)] == ["shown", "small", "open", "open"]
    table = html[html.index('<table class="settled">') : html.index("</table>", html.index('<table class="settled">'))]
    assert table.count("<svg") == 3, "one has not been looked at"
    assert "+60 points (+25 to +95)" in table and "x1.01 (0.94 to 1.08)" in table and "5, 2" in table
    assert "at most 5%" in html and "at any time" in html
    assert summary_of(data).answer[: len(sentences(WHOLE))] == sentences(WHOLE)


def test_tests_of_a_single_look_are_left_out_where_there_were_many(tmp_path: Path) -> None:
    adaptive, fixed = (made_sweep(*noise_decides(3), answer=answer_or_none) for answer_or_none in (WHOLE, None))
    assert report_content(fixed).analysis.effects and not report_content(adaptive).analysis.effects
    html = page_of(adaptive, tmp_path)
    assert 'id="effects"' not in html and "stand out" not in html
    assert not summary_of(adaptive).next, "it says itself what it would take"
    assert 'id="settled"' not in page_of(fixed, tmp_path)


def test_the_table_of_effects_has_each_comparison_as_of_its_last_look(tmp_path: Path) -> None:
    tables.write(report_content(made_sweep(*noise_decides(3), answer=WHOLE)), tmp_path)
    table = pd.read_csv(tmp_path / "effects.csv")
    assert list(table["state"]) == [compared.state for compared in WHOLE.comparisons]
    looked_at = WHOLE.comparisons[3]
    row = table.iloc[3]
    assert [row["seeds"], row["change"], row["low"], row["high"]] == list(looked_at.looks[-1])
    assert table[[not compared.looks for compared in WHOLE.comparisons]]["change"].isna().all()


def test_the_picture_has_a_line_for_each_look_within_its_frame() -> None:
    compared = WHOLE.comparisons[3]
    drawn = picture(compared, 3, 20)
    assert drawn.count("<circle") == 2
    heights = [float(number) for number in re.findall(r'cy="([\d.-]+)"', drawn)]
    assert all(0 <= height <= 44 for height in heights)
    assert heights[1] < heights[0] < 22, "a larger change is higher"
    wild = compared.model_copy(update={"looks": [(3.0, 1e300, -1e300, 1e300)]})
    assert not any(math.isnan(float(number)) for number in re.findall(r'cy="([\w.-]+)"', picture(wild, 3, 20)))
