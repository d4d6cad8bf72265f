"""The page, from made runs: what stands in it, and that nothing in it can do harm."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io
import pytest
from support.made_runs import LR, NOISE, ONE, TWO, drawn, made_run, made_sweep, measured, noise_decides, page_of, png

from gan_core.verdict import rules
from gan_core.verdict.rules import VERDICTS
from orchestrator.report.data import SweepData, curve_titles
from orchestrator.report.template_filters import mean_with_interval
from orchestrator.statistics.intervals import InterquartileMean

EVIL = '"></script><script>alert(1)</script><img src=x onerror=alert(2)>'


class Elements(HTMLParser):
    """Every element of a page as (name, attributes), and the text of each script and cell.

    tables, footers: the rows of each table, and those of its footer.
    """

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tables: list[list[list[str]]] = []
        self.footers: list[list[list[str]]] = []
        self._rows: list[list[str]] = []
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        elif tag == "table":
            self.tables.append([])
            self.footers.append([])
            self._rows = self.tables[-1]
        elif tag == "tfoot":
            self._rows = self.footers[-1]
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        if tag in ("script", "td", "th"):
            self._within = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._within:
            self._rows[-1][-1] += data

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(sorted(attributes))) for tag, attributes in self.elements]

    def leaderboards(self) -> list[list[dict[str, str]]]:
        """Rows of every leaderboard: title of a column -> text."""
        tables = [table for table in self.tables if table[0][:2] == ["configuration", "verdicts"]]
        return [[dict(zip(table[0], map(str.strip, row), strict=True)) for row in table[1:]] for table in tables]


def whole_sweep(name: str = "plain") -> SweepData:
    """Two groups with everything that the page can show, called `name` wherever a configuration has a say."""
    runs = [drawn(measured(run, 3.0 if run.verdict == "stable" else 50.0)) for run in noise_decides(2, group=name)]
    runs += [drawn(made_run({"other": level}, group="calm")) for level in (name, 2)]
    runs.append(made_run({LR: 1e-3, NOISE: 0.1}, 5, "", name, status="failed", reason=name))
    runs.append(drawn(made_run({LR: 1e-3, NOISE: 0.1}, 6, group=name, confirms=True)))
    for run in runs:
        run.settings = {"optimizer.lr": "0.1", "data.path": name, name: "1"}
        run.environment = {"processor": name, "python": name, "packages": {name: name}}
        run.environment |= {"git_commit": name, "applied": {"device": name}}
    return made_sweep(
        *runs, name=name, question=f"Why {name}?", cautions=[name], commands=[["orchestrate", "sweep", "--set", name]],
        real=[(name, png())],
    )  # fmt: skip


def test_names_cannot_inject_script_or_markup(tmp_path: Path) -> None:
    """Whatever things are called, the page has the same elements with the same attributes."""
    text = page_of(whole_sweep(EVIL), tmp_path)
    plain, evil = Elements(page_of(whole_sweep(), tmp_path)), Elements(text)
    assert evil.shape() == plain.shape()
    assert EVIL not in text
    assert "alert(1)" in text  # it is there, as text
    model = next(json.loads(body) for attributes, body in evil.scripts if attributes.get("id") == "model")
    assert model["trials"][0]["group"] == EVIL


def test_every_figure_in_the_page_is_one_that_plotly_can_draw(tmp_path: Path) -> None:
    elements = Elements(page_of(whole_sweep(), tmp_path))
    figures = [
        json.loads(body)
        for attributes, body in elements.scripts
        if attributes.get("type") == "application/json" and "id" not in attributes
    ]
    assert len(figures) == 3 + 2  # effects on stability, wins and ratios, survival by both settings
    for figure in figures:
        read = plotly.io.from_json(json.dumps(figure))  # refuses what plotly does not know
        assert isinstance(read, go.Figure)
        assert read.data


def test_plotly_is_in_the_page_once_and_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    text = page_of(whole_sweep(), tmp_path)
    assert text.count("plotly.js v") == 1
    for tag, attributes in Elements(text).elements:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#")), (tag, attributes)
    assert not re.search(r"@import|url\((?!data:)", text[text.index("<style>") : text.index("</style>")])


def test_a_run_is_linked_only_where_mlflow_serves_it(tmp_path: Path) -> None:
    data = made_sweep(made_run(url="http://127.0.0.1:5000/#/experiments/1/runs/r"), made_run(seed=1))
    links = [attributes["href"] for tag, attributes in Elements(page_of(data, tmp_path)).elements if tag == "a"]
    assert [link for link in links if link and not link.startswith("#")] == [data.runs[0].url]


def test_every_picture_has_an_alt_text_and_every_chart_a_label(tmp_path: Path) -> None:
    elements = Elements(page_of(whole_sweep(), tmp_path)).elements
    pictures = [attributes for tag, attributes in elements if tag == "img"]
    assert len(pictures) == 8 + 2 + 1 + 1  # what was drawn, confirming and real included; nothing of the failed one
    assert all(attributes["alt"] for attributes in pictures)
    charts = [attributes for _, attributes in elements if "chart" in (attributes.get("class") or "").split()]
    assert charts
    assert all(attributes["role"] == "figure" and attributes["aria-label"] for attributes in charts)


def test_every_header_of_a_table_has_a_scope_and_headings_go_down_in_order(tmp_path: Path) -> None:
    elements = Elements(page_of(whole_sweep(), tmp_path)).elements
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in elements if tag == "th")
    headings = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))


def test_every_place_that_the_page_points_to_is_there(tmp_path: Path) -> None:
    for data in (whole_sweep(), made_sweep(made_run(verdict=""))):
        elements = Elements(page_of(data, tmp_path)).elements
        places = {attributes["id"] for _, attributes in elements if "id" in attributes}
        assert {(attributes["href"] or "")[1:] for tag, attributes in elements if tag == "a"} <= places


def test_every_trial_has_its_outcome_and_what_went_wrong_has_its_evidence(tmp_path: Path) -> None:
    runs = [made_run(), made_run(seed=1, verdict="collapsed", since=10), made_run(seed=2, verdict="")]
    runs.append(made_run(seed=3, verdict="", status="failed", reason="MemoryError: too much"))
    text = page_of(made_sweep(*runs), tmp_path)
    events = next(
        table for table in Elements(text).tables if table[0] == ["trial", "verdict", "since step", "evidence"]
    )
    assert events[1:] == [
        ["g seed=1", "collapsed", "10", "because g"],
        ["g seed=3", "failed", "–", "MemoryError: too much"],
    ]
    for run in runs:
        assert f'{run.name} <span class="badge {run.outcome}">' in text


@pytest.mark.parametrize("verdict", [*VERDICTS, "failed"])
def test_every_outcome_has_a_badge_of_its_own_colour_in_light_and_dark(verdict: str, tmp_path: Path) -> None:
    run = made_run(verdict=verdict, since=17, reason="because it was so")
    text = page_of(made_sweep(run), tmp_path)
    assert f'<span class="badge {verdict}" title="seed 0">1 {verdict}</span>' in text
    style = text[text.index("<style>") : text.index("</style>")]
    assert re.search(rf"\.{verdict} {{ color: var\(--{verdict}\); }}", style)
    light, dark = style.split(':root[data-theme="dark"]', 1)
    for scheme in (light, dark):
        assert len(re.findall(rf"--{verdict}: #[0-9a-f]{{6}};", scheme)) == 1
    assert ("because it was so" in text) is (verdict != "stable")


def test_the_page_gives_the_rules_with_their_numbers_and_the_whole_command(tmp_path: Path) -> None:
    data = made_sweep(made_run(), commands=[["orchestrate", "sweep", "my s.yaml", "--set", "a=1"]])
    text = page_of(data, tmp_path)
    assert f"beyond {rules.MAX_LOSS:g} in size" in text
    assert f"more than {rules.OSCILLATION_RATIO:g} times that over the best such stretch" in text
    assert not [name for name, value in vars(rules).items() if isinstance(value, float) and name in text]
    (table,) = (table for table in Elements(text).tables if table[0] == ["verdict", "if", "since"])
    assert [row[0] for row in table[1:]] == [rule.name for rule in rules.RULES]
    for row, rule in zip(table[1:], rules.RULES, strict=True):
        assert all(condition in row[1] for condition in rule.conditions)
        assert row[2] == rule.since
    assert "orchestrate sweep &#39;my s.yaml&#39; --set a=1\n" in text


def test_a_browser_loads_the_page_again_only_while_the_sweep_is_watched(tmp_path: Path) -> None:
    def refreshes(text: str) -> list[str | None]:
        return [attributes["content"] for _, attributes in Elements(text).elements if attributes.get("http-equiv")]

    assert refreshes(page_of(made_sweep(made_run()), tmp_path)) == []
    assert refreshes(page_of(made_sweep(made_run()), tmp_path, refresh=20)) == ["20"]


# The first screen and the leaderboard


def test_the_first_screen_has_the_three_best_and_the_three_riskiest_of_many(tmp_path: Path) -> None:
    runs = [
        made_run({NOISE: noise / 10}, seed, "stable" if seed < noise else "collapsed")
        for noise in range(8)
        for seed in range(7)
    ]
    first = Elements(page_of(made_sweep(*runs), tmp_path)).tables[0]
    assert [row[0] for row in first[1:]] == [f"g noise={level}" for level in ("0.7", "0.6", "0.5", "0.2", "0.1", "0")]
    few = Elements(page_of(made_sweep(*runs[:14]), tmp_path)).tables[0]
    assert [row[0] for row in few[1:]] == ["g noise=0.1", "g noise=0"]


def test_one_evaluator_has_one_table_without_a_caption_and_says_what_it_is(tmp_path: Path) -> None:
    data = made_sweep(measured(made_run(group="a"), 11.0), measured(made_run(group="b"), 33.0))
    text = page_of(data, tmp_path)
    ((first, second),) = Elements(text).leaderboards()
    assert first == {
        "configuration": "a", "verdicts": "1 stable", "stable": "1 of 1", "95% interval": "21% to 100%",
        "Frechet at the end": "11", "Frechet at best": "5.5",
        "rise since best": "5.5", "precision": "0.75", "recall": "0.5",
        "classes covered": "9",
    }  # fmt: skip
    assert (second["configuration"], second["Frechet at the end"]) == ("b", "33")
    assert "<caption>" not in text
    assert "right on 98.7% of test images" in text
    assert "5,120 samples (4,096 of them for precision and recall) at fixed latents" in text
    assert "against the 1,541 images of the train part" in text
    assert "The 256 images kept out have a Frechet distance of 1.1, precision 0.5 and recall 0.25" in text


def test_an_evaluator_without_images_kept_out_says_nothing_of_them(tmp_path: Path) -> None:
    run = measured(made_run(), 0.5, TWO)
    assert run.evaluator
    run.evaluator = run.evaluator.model_copy(update={"kept_out": None})
    text = page_of(made_sweep(run), tmp_path)
    assert "features of an untrained network" in text
    assert "kept out" not in text
    assert not any(Elements(text).footers)


def test_held_out_images_stand_under_every_table_with_frechet_distances(tmp_path: Path) -> None:
    runs = [measured(made_run({NOISE: 0.1}, seed), 3.0) for seed in (0, 1)]
    runs.append(measured(made_run({NOISE: 0.1}, 2, confirms=True), 5.0))
    elements = Elements(page_of(made_sweep(*runs), tmp_path))
    name = "256 real images, held out"
    assert [footer for footer in elements.footers if footer] == [
        [[name, "", "", "1.1"]],
        [[name, "", "", "", "1.1", "1.1", "", "0.5", "0.25", ""]],
        [[name, "", "1.1", "", "", "1.1"]],
    ]
    several = page_of(made_sweep(*runs, measured(made_run({NOISE: 0.2}), 0.5, TWO)), tmp_path)
    assert Elements(several).footers[0] == [[f"{name} ({ONE})", "", "", "1.1"], [f"{name} ({TWO})", "", "", "0.05"]]


def test_numbers_of_two_evaluators_never_share_a_column(tmp_path: Path) -> None:
    runs = [measured(made_run(group="a"), 11.0)]
    runs += [measured(made_run(seed=seed, group="both"), value) for seed, value in ((0, 10.0), (1, 30.0))]
    runs += [measured(made_run(seed=2, group="both"), 0.5, TWO), measured(made_run(group="b"), 0.25, TWO)]
    text = page_of(made_sweep(*runs), tmp_path)
    assert re.findall("<caption>Measured with (.*?)</caption>", text) == [ONE, TWO]
    tables = Elements(text).leaderboards()
    names = ("configuration", "verdicts", "Frechet at the end", "Frechet at best")
    assert [sorted(tuple(row[name] for name in names) for row in table) for table in tables] == [
        [("a", "1 stable", "11", "5.5"), ("both", "2 stable", "20", "10")],
        [("b", "1 stable", "0.25", "0.125"), ("both", "1 stable", "0.5", "0.25")],
    ]
    for evaluator in (ONE, TWO):
        assert text.count(f"Evaluator {evaluator}:") == 1
    assert not re.search("7,?777", str(tables))


def test_runs_that_nothing_measured_stand_with_their_seeds_or_in_the_first_table(tmp_path: Path) -> None:
    runs = [measured(made_run(group="a"), 11.0), measured(made_run(group="b"), 0.5, TWO)]
    runs += [made_run(seed=1, verdict="", group="b"), made_run(verdict="", group="c", status="failed")]
    first, second = Elements(page_of(made_sweep(*runs), tmp_path)).leaderboards()
    names = ("configuration", "verdicts", "stable", "Frechet at the end")
    assert [[row[name] for name in names] for row in first] == [
        ["a", "1 stable", "1 of 1", "11"],
        ["c", "1 failed", "0 of 1", "–"],
    ]
    assert [[row[name] for name in names] for row in second] == [["b", "1 pending, 1 stable", "1 of 1", "0.5"]]


def test_a_sweep_that_nothing_has_measured_has_a_page_all_the_same(tmp_path: Path) -> None:
    ((row,),) = Elements(page_of(made_sweep(made_run()), tmp_path)).leaderboards()
    assert list(row) == ["configuration", "verdicts", "stable", "95% interval"]


def test_a_sweep_of_which_nothing_has_run_has_a_page_all_the_same(tmp_path: Path) -> None:
    text = page_of(made_sweep(*(made_run({NOISE: noise}, verdict="") for noise in (0.0, 0.1))), tmp_path)
    assert "No run has ended yet." in text
    assert "began not yet" in text


# Further down


def test_the_best_again_stand_beside_what_they_were_selected_with(tmp_path: Path) -> None:
    runs = [measured(made_run({NOISE: 0.1}, seed), 3.0) for seed in (0, 1)]
    runs += [measured(made_run({NOISE: 0.2}, seed), 9.0) for seed in (0, 1)]
    confirming = [
        measured(made_run({NOISE: 0.1}, seed, verdict, confirms=True), 5.0)
        for seed, verdict in ((2, "stable"), (3, "collapsed"), (4, "stable"))
    ]
    elements = Elements(page_of(made_sweep(*runs, *confirming), tmp_path))
    head, row = next(table for table in elements.tables if "selected with" in table[0])
    cells = dict(zip(head, map(str.strip, row), strict=True))
    assert cells["configuration"] == "g noise=0.1"
    assert (cells["selected with"], cells["Frechet then"]) == ("2 of 2", "3")
    assert (cells["on fresh seeds"], cells["Frechet now"]) == ("2 of 3", "5")
    assert elements.leaderboards()[0][0]["stable"] == "2 of 2"  # the fresh seeds are not in there
    assert "on fresh seeds</h2>" not in page_of(made_sweep(*runs), tmp_path)


def test_effects_are_in_numbers_too_with_what_holds_in_bold(tmp_path: Path) -> None:
    text = page_of(made_sweep(*noise_decides(8)), tmp_path)
    table = next(table for table in Elements(text).tables if "pairs, seeds" in table[0])
    assert [row[:2] for row in table[1:]] == [["lr: 1e-3 to 2e-4", "16, 8"], ["noise: 0 to 0.1", "16, 8"]]
    assert "<b>+100</b>" in text
    assert "all 2 effects looked at" in text
    assert 'id="effects"' not in page_of(made_sweep(made_run(), made_run(seed=1)), tmp_path)


def test_earlier_samples_are_there_to_scrub_through_and_the_last_stands_in_the_page_alone(tmp_path: Path) -> None:
    data = made_sweep(drawn(made_run()), made_run(seed=1, verdict="", status="failed"))
    elements = Elements(page_of(data, tmp_path))
    sample_history = next(
        json.loads(body) for attributes, body in elements.scripts if attributes.get("id") == "sample_history"
    )
    assert list(sample_history) == ["0"]
    assert [step for step, _ in sample_history["0"]] == [0, 20]
    assert sample_history["0"][0][1].startswith("data:image/webp;base64,")
    assert sample_history["0"][1][1] == ""
    (image,) = [attributes for tag, attributes in elements.elements if tag == "img"]
    assert image["data-trial"] == "0"
    assert image["alt"] == "samples of g seed=0 at step 20, stable"


def test_one_moment_of_samples_needs_no_slider(tmp_path: Path) -> None:
    run = drawn(made_run())
    run.pictures = run.pictures[-1:]
    elements = Elements(page_of(made_sweep(run), tmp_path)).elements
    assert not [attributes for _, attributes in elements if attributes.get("id") == "moment"]


def test_what_all_trials_share_stands_once_and_the_rest_with_each(tmp_path: Path) -> None:
    runs = [made_run(seed=seed, settings={"batch_size": "64", "seed": str(seed)}) for seed in (0, 1)]
    text = page_of(made_sweep(*runs), tmp_path)
    assert text.count("<dt>batch_size</dt><dd>64</dd>") == 1
    assert re.findall("<dt>seed</dt><dd>(.)</dd>", text) == ["0", "1"]
    assert all(f"<dt>key</dt><dd>{run.key}</dd>" in text for run in runs)


def test_the_script_has_every_curve_that_was_measured(tmp_path: Path) -> None:
    data = made_sweep(drawn(measured(made_run(), 3.0)))
    elements = Elements(page_of(data, tmp_path))
    model: dict[str, Any] = next(
        json.loads(body) for attributes, body in elements.scripts if attributes.get("id") == "model"
    )
    assert [metric["title"] for metric in model["metrics"]] == list(curve_titles(data).values())


def test_importance_stands_in_a_table_with_the_seeds_luck_last(tmp_path: Path) -> None:
    """Noise decides what becomes of these runs, and the learning rate does nothing."""
    tables = Elements(page_of(made_sweep(*noise_decides(3)), tmp_path)).tables
    (table,) = (table for table in tables if "of being stable" in table[0])
    explained = {row[0]: row[1] for row in table[1:]}
    assert list(explained) == ["noise", "lr", "the seed: luck"]
    assert explained["noise"] == "100% (luck: 0%)"
    assert explained["lr"] == "0% (luck: 0%)"


def test_a_mean_has_its_interval_if_there_is_one() -> None:
    assert mean_with_interval(None) == "–"
    assert mean_with_interval(InterquartileMean(1234.4, None, None, 3)) == "1,234"
    assert mean_with_interval(InterquartileMean(5.04, 4.9, 5.25, 7)) == "5.04 (4.9 to 5.25)"


def test_settings_without_a_difference_together_are_left_out_and_so_are_intervals_that_say_nothing(
    tmp_path: Path,
) -> None:
    """Noise alone decides what becomes of these runs; then the learning rate decides with it, on two seeds."""
    text = page_of(made_sweep(*noise_decides(2)), tmp_path)
    assert "No two settings were seen to act together" in text
    runs = noise_decides(2)
    for run in runs:
        if run.factors == {LR: 2e-4, NOISE: 0.1} and run.seed == 0:
            run.verdict, run.since = "collapsed", 10
    (table,) = (table for table in Elements(page_of(made_sweep(*runs), tmp_path)).tables if "changes, when" in table[0])
    assert table[1][-1].strip().startswith("-50")
    assert "-200 to +200" not in table[1][-1]
