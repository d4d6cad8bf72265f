"""What the page's scripts draw from made runs, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page
from support.made_runs import LR, NOISE, TWO, drawn, made_run, made_sweep, measured, noise_decides, page_of

from orchestrator.report.data import SweepData

pytestmark = pytest.mark.e2e

OpenPage = Callable[..., Page]
EVIL = '"></script><img src=x onerror="window.evil=1"><b>'


@pytest.fixture
def open_report(open_page: OpenPage, tmp_path: Path) -> Callable[[SweepData], Page]:
    """The page of a sweep, opened. Whatever it says in the console or asks for fails the test."""

    def show(data: SweepData) -> Page:
        page_of(data, tmp_path)
        return open_page(tmp_path / "report.html")

    return show


OpenReport = Callable[[SweepData], Page]


def figure(page: Page, chart: str) -> dict[str, Any]:
    """The {data, layout} that is drawn there, once it is."""
    page.locator(chart).first.scroll_into_view_if_needed()
    page.wait_for_function("c => document.querySelector(`${c} .js-plotly-plot .main-svg`)", arg=chart)
    read = "c => (({data, layout}) => ({data, layout}))(document.querySelector(`${c} .js-plotly-plot`))"
    content: dict[str, Any] = page.evaluate(read, chart)
    return content


def test_the_frame_fits_the_runs_that_did_not_diverge_and_the_others_are_drawn_all_the_same(
    open_report: OpenReport,
) -> None:
    blown = drawn(made_run(seed=3, verdict="diverged"))
    blown.history["loss/generator"] = (np.array([10]), np.array([1e9]))
    page = open_report(made_sweep(*(drawn(made_run(seed=seed)) for seed in range(3)), blown))
    chart_figure = figure(page, "#curves .chart")
    low, high = chart_figure["layout"]["yaxis"]["range"]
    assert low < 0.25
    assert 0.5 < high < 1
    assert max(value for trace in chart_figure["data"] for value in trace["y"] if value is not None) == pytest.approx(
        1e9
    )
    page.locator("#curves-log").check()
    page.wait_for_function("document.querySelector('#curves .js-plotly-plot').layout.yaxis.type === 'log'")
    low, high = figure(page, "#curves .chart")["layout"]["yaxis"]["range"]
    assert 10**low < 0.25
    assert 0.5 < 10**high < 1


def test_without_a_run_that_diverged_the_frame_is_plotlys_own(open_report: OpenReport) -> None:
    page = open_report(made_sweep(drawn(made_run()), drawn(made_run(seed=1, verdict="collapsed"))))
    assert page.evaluate("curveFigure(model.metrics[0], [0, 1]).layout.yaxis.range === undefined")


def test_a_configuration_keeps_its_colour_in_every_chart_and_in_the_legend(open_report: OpenReport) -> None:
    runs = [drawn(made_run({NOISE: number / 100}, seed)) for number in range(10) for seed in (0, 1)]
    page = open_report(made_sweep(*runs))
    looks = page.evaluate(
        """model.metrics.map(metric => curveFigure(metric, model.trials.map((_, n) => n)).data
            .map(({name, line}) => [name, line.color, line.dash]))"""
    )
    assert all(look == looks[0] for look in looks)
    assert [name for name, _, _ in looks[0]] == [f"g noise={format(number / 100, 'g')}" for number in range(10)]
    assert len({(colour, dash) for _, colour, dash in looks[0]}) == 10  # more than there are colours
    assert page.locator("#curves .legend li").all_inner_texts() == [name for name, _, _ in looks[0]]


def test_every_point_names_its_trial_and_its_verdict_and_curves_do_not_touch(open_report: OpenReport) -> None:
    page = open_report(made_sweep(drawn(made_run(seed=0)), drawn(made_run(seed=1, verdict="collapsed"))))
    (trace,) = figure(page, "#curves .chart")["data"]
    assert trace["text"] == ["g seed=0 (stable)"] * 2 + [""] + ["g seed=1 (collapsed)"] * 2 + [""]
    assert trace["x"] == [10, 20, None, 10, 20, None]
    assert trace["y"] == [0.5, 0.25, None, 0.5, 0.25, None]


def test_the_heat_map_counts_the_runs_that_have_ended_and_were_not_selected_before(open_report: OpenReport) -> None:
    runs = noise_decides(2, levels=(0.5, 0.0, 0.1))
    runs.append(made_run({LR: 1e-3, NOISE: 0.0}, 7, ""))
    runs.append(made_run({LR: 1e-3, NOISE: 0.0}, 8, "", status="failed"))
    runs.append(made_run({LR: 1e-3, NOISE: 0.0}, 9, confirms=True))
    page = open_report(made_sweep(*runs))
    page.locator("#factors-x").select_option("noise")
    page.locator("#factors-y").select_option("lr")
    (heat,) = figure(page, "#heat")["data"]
    assert heat["x"] == ["0", "0.1", "0.5"]  # as numbers, not as they came
    assert heat["y"] == ["2e-4", "1e-3"]
    assert heat["text"] == [["0 of 2", "2 of 2", "2 of 2"], ["0 of 3", "2 of 2", "2 of 2"]]
    assert heat["z"] == [[0, 1, 1], [0, 1, 1]]


def test_parallel_coordinates_have_a_line_for_every_run_that_was_compared(open_report: OpenReport) -> None:
    runs = [measured(run, 3.0 if run.verdict == "stable" else 50.0) for run in noise_decides(2)]
    runs.append(measured(made_run({LR: 1e-3, NOISE: 0.1}, 9, confirms=True), 1.0))
    page = open_report(made_sweep(*runs))
    (lines,) = figure(page, "#parallel")["data"]
    axes = {axis["label"]: axis for axis in lines["dimensions"]}
    assert list(axes) == ["lr", "noise", "seed", "verdict", "Frechet"]
    assert all(len(axis["values"]) == 8 for axis in axes.values())
    names = [text.rstrip("\u200b") for text in axes["verdict"]["ticktext"]]
    verdicts = [names[index] for index in axes["verdict"]["values"]]
    assert verdicts == [run.outcome for run in runs[:8]]
    assert list(axes["Frechet"]["values"]) == [run.quality("frechet") for run in runs[:8]]


def test_what_is_kept_in_parallel_coordinates_stays_while_the_heat_map_changes(open_report: OpenReport) -> None:
    page = open_report(made_sweep(*noise_decides(2)))
    figure(page, "#parallel")
    plot = "document.querySelector('#parallel .js-plotly-plot')"
    page.evaluate(f"Plotly.restyle({plot}, {{'dimensions[0].constraintrange': [[0.5, 1.5]]}})")
    page.locator("#factors-x").select_option("seed")
    page.wait_for_function("document.querySelector('#heat .js-plotly-plot').layout.xaxis.title.text === 'seed'")
    assert page.evaluate(f"{plot}.data[0].dimensions[0].constraintrange") == [0.5, 1.5]


def test_the_filter_counts_over_the_tables_of_all_evaluators(open_report: OpenReport) -> None:
    runs = [measured(made_run({NOISE: noise}), 4.0) for noise in (0.1, 0.2)]
    runs += [measured(made_run({NOISE: noise}), 4.0, TWO) for noise in (0.3, 0.4)]
    page = open_report(made_sweep(*runs))
    page.locator("#filter").fill("noise=0.1")
    assert page.locator("#filter-shown").inner_text() == "1 shown"
    assert page.locator("table.sortable tbody tr:visible").count() == 1


def test_curves_of_negative_values_have_a_symmetric_logarithm_that_drops_none(open_report: OpenReport) -> None:
    critic, plain = drawn(made_run()), drawn(made_run(seed=1))
    critic.history["loss/generator"] = (np.array([10, 20]), np.array([-5000.0, 0.0]))
    page = open_report(made_sweep(critic, plain))
    page.locator("#curves-log").check()
    read = "curveFigure(model.metrics.find(metric => metric.title === '{}'), [0, 1])"
    both = page.evaluate(read.format("Generator loss"))
    assert "symmetric logarithm" in both["title"]
    drawn_values = [value for trace in both["data"] for value in trace["y"] if value is not None]
    true_values = [value for trace in both["data"] for value in trace["customdata"] if value is not None]
    assert sorted(true_values) == [-5000, 0, 0.25, 0.5]
    assert sorted(drawn_values) == [drawn_values[true_values.index(value)] for value in sorted(true_values)]
    axis = both["layout"]["yaxis"]
    assert len(axis["tickvals"]) == len(axis["ticktext"]) <= 9
    assert axis["tickvals"] == sorted(axis["tickvals"])
    assert {"0", "10000", "\u221210000"} <= set(axis["ticktext"])
    positive = page.evaluate(read.format("Discriminator loss"))
    assert positive["layout"]["yaxis"]["type"] == "log"


def test_the_heat_map_opens_where_cells_differ_and_shows_quality_too(open_report: OpenReport) -> None:
    calm = [measured(made_run({LR: lr, NOISE: noise}, 0, group="calm"), 4.0) for lr in (1, 2) for noise in (0.0, 0.1)]
    page = open_report(made_sweep(*calm, *(measured(run, 3.0 + run.seed) for run in noise_decides(2))))
    assert page.locator("#factors-group").input_value() == "g"
    for measure, text in (("final", "3.5 (2 of 2)"), ("modes", "9 (2 of 2)"), ("recall", "0.5 (2 of 2)")):
        page.locator("#factors-measure").select_option(measure)
        page.wait_for_function("text => heatFigure(900).data[0].text.flat().includes(text)", arg=text)
    (heat,) = figure(page, "#heat")["data"]
    assert len(heat["text"]) == len(heat["text"][0]) == 2


def test_each_row_of_the_heat_map_has_the_name_of_its_own_level(open_report: OpenReport) -> None:
    """Plotly takes a number as the place of a level, unless a level is called so."""
    runs = [made_run({LR: lr, NOISE: noise}, 0) for lr in (1, 10) for noise in (0.0, 1.0, 2.0)]
    page = open_report(made_sweep(*runs))
    figure(page, "#heat")
    place = (
        "axis => [...document.querySelectorAll(`#heat .${axis}tick text`)].map(text => text.getBoundingClientRect())"
    )
    text = "axis => [...document.querySelectorAll(`#heat .${axis}tick text`)].map(text => text.textContent)"
    for axis, levels in (("x", 2), ("y", 3)):
        boxes = page.evaluate(place, axis)
        assert len({round(box["x"] + box["y"] + box["width"] / 2) for box in boxes}) == levels
        assert len(set(page.evaluate(text, axis))) == levels


def test_samples_and_curves_show_only_what_is_asked_for_in_the_colours_that_they_had(open_report: OpenReport) -> None:
    page = open_report(made_sweep(*(drawn(made_run({NOISE: noise}, seed)) for noise in (0.1, 0.2) for seed in (0, 1))))
    page.locator("#samples-filter").fill("noise=0.2 seed=1")
    assert page.locator(".gallery figure:visible").count() == 1
    assert page.locator("#samples-filter-shown").inner_text() == "1 shown"
    colour = "curveFigure(model.metrics[0], [0, 1, 2, 3]).data.map(trace => [trace.line.color, trace.x.length])"
    (_, first), (blue, second) = page.evaluate(colour)
    assert first == second == 6
    page.locator("#curves-filter").fill("noise=0.2")
    assert page.evaluate(colour)[0][1] == 0
    assert page.evaluate(colour)[1] == [blue, 6]
    assert page.locator("#curves .legend").first.locator("li").all_inner_texts() == ["g noise=0.2"]
    page.locator("#curves-filter").fill("nothing like it")
    assert page.locator("#curves .chart").count() == 0


def test_a_sample_grid_is_enlarged_with_its_neighbours_by_keys(open_report: OpenReport) -> None:
    page = open_report(made_sweep(*(drawn(made_run(seed=seed)) for seed in (0, 1))))
    dialog = page.locator("#enlarged")
    assert not dialog.is_visible()
    page.locator(".enlarge").first.focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    assert "g seed=0" in dialog.inner_text()
    small = page.locator(".enlarge img").first.bounding_box()
    large = dialog.locator("img").bounding_box()
    assert small
    assert large
    assert large["width"] > 1.5 * small["width"]
    page.keyboard.press("ArrowRight")
    assert "g seed=1" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_every_chart_has_its_numbers_in_a_table(open_report: OpenReport) -> None:
    page = open_report(made_sweep(*(drawn(measured(run, 3.0)) for run in noise_decides(2))))
    figure(page, "#heat")
    page.locator("#heat summary").click()
    rows = page.locator("#heat .numbers tbody tr")
    page.wait_for_function("document.querySelectorAll('#heat .numbers tbody tr').length === 2")
    texts = sorted(" ".join(row.split()) for row in rows.all_inner_texts())
    assert texts in (["0 0 of 2 0 of 2", "0.1 2 of 2 2 of 2"], ["1e-3 0 of 2 2 of 2", "2e-4 0 of 2 2 of 2"])


def test_a_table_that_is_too_wide_says_so_and_its_last_columns_can_be_asked_for(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page_of(made_sweep(*(drawn(measured(run, 3.0)) for run in noise_decides(2))), tmp_path)
    page = open_page(tmp_path / "report.html", 390)
    hint = page.locator(".more:has(+ .leaderboard)")
    page.wait_for_function("!document.querySelector('.more:has(+ .leaderboard)').hidden")
    page.locator("#columns").select_option("training")
    last = page.locator("table.sortable thead th", has_text="D loss")
    assert last.is_visible()
    assert page.locator("table.sortable thead th", has_text="recall").is_hidden()
    assert hint.count() == 1


def test_on_paper_no_chart_is_wider_than_the_page_and_colours_are_printed(open_report: OpenReport) -> None:
    page = open_report(made_sweep(*(drawn(measured(run, 3.0)) for run in noise_decides(2))))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    widths = page.evaluate(
        """[...document.querySelectorAll('.js-plotly-plot')]
            .map(plot => [plot._fullLayout.width, plot.closest('.chart').clientWidth])"""
    )
    assert len(widths) == page.locator(".chart").count()
    assert all(drawn_width <= room <= 680 for drawn_width, room in widths)
    exact = "e => getComputedStyle(e).printColorAdjust === 'exact'"
    for coloured in (".bar", ".bar i", ".legend i", ".chart"):
        assert page.locator(coloured).first.evaluate(exact)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_names_do_nothing_in_a_browser(open_report: OpenReport) -> None:
    runs = [
        drawn(made_run({LR: EVIL, NOISE: noise, EVIL: noise}, seed, verdict, EVIL, since=10))
        for noise, verdict in ((0.0, "collapsed"), (0.1, "stable"))
        for seed in (0, 1)
    ]
    page = open_report(made_sweep(*runs, name=EVIL, question=EVIL, cautions=[EVIL]))
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        page.wait_for_function("chart => chart.querySelector('.main-svg')", arg=chart.element_handle())
    for by in page.locator("#curves-colour option").all_inner_texts():
        page.locator("#curves-colour").select_option(by)
        figure(page, "#curves .chart")
    assert page.evaluate("window.evil") is None
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("#curves .legend li").first.inner_text() != ""


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_page_without_any_result_opens_without_errors(open_report: OpenReport, status: str) -> None:
    runs = [made_run({LR: lr, NOISE: noise}, verdict="", status=status) for lr in (1, 2) for noise in (0.0, 0.1)]
    page = open_report(made_sweep(*runs))
    assert "No run has ended yet." in page.locator(".answer").inner_text()
    for chart in ("#heat", "#parallel"):
        page.locator(chart).scroll_into_view_if_needed()
    assert page.locator("#curves .chart").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_no_heading_of_the_leaderboard_breaks_a_word_on_a_phone(open_page: OpenPage, tmp_path: Path) -> None:
    page_of(made_sweep(*(measured(made_run({NOISE: noise}), 4.0) for noise in (0.1, 0.2))), tmp_path)
    page = open_page(tmp_path / "report.html", 390)
    heading = page.locator("table.sortable thead th").first
    assert heading.inner_text() == "configuration"
    assert (
        heading.evaluate(
            """th => { const text = th.querySelector("button").firstChild, range = document.createRange();
            range.selectNodeContents(text); return range.getClientRects().length }"""
        )
        == 1
    )


def test_a_page_of_one_run_opens_without_errors(open_report: OpenReport) -> None:
    page = open_report(made_sweep(drawn(measured(made_run(), 4.0))))
    assert figure(page, "#curves .chart")["data"][0]["y"] == [0.5, 0.25, None]


def test_held_out_images_are_a_line_in_the_curves_of_quality_and_in_their_frame(open_report: OpenReport) -> None:
    blown = measured(made_run(seed=1, verdict="diverged"), 1e9)
    page = open_report(made_sweep(measured(made_run(), 4.0), blown))
    read = "curveFigure(model.metrics.find(metric => metric.title === '{}'), [0, 1])"
    frechet = page.evaluate(read.format("Frechet distance"))
    line = frechet["data"][-1]
    assert (line["name"], line["x"], line["y"]) == ("256 real images, held out", [0, 20], [1.1, 1.1])
    low, high = frechet["layout"]["yaxis"]["range"]
    assert low < 1.1
    assert 8 < high < 10
    assert len(page.evaluate(read.format("Coverage"))["data"]) == len(frechet["data"]) - 1  # it is not known there
