"""Tables in terminals of every width: names, verdicts and commands are whole, and no line is broken by us."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.tiny import TINY

from orchestrator.cluster import nodes
from orchestrator.cluster.nodes import Node
from orchestrator.commands import logs
from orchestrator.commands.datasets import KNOWN_DATASETS, download_command, print_datasets
from orchestrator.commands.doctor import print_checks
from orchestrator.commands.doctor_checks import Check
from orchestrator.commands.plan import PlanRequest, make_preview, print_preview
from orchestrator.commands.status import print_sweep, print_sweeps
from orchestrator.console.progress import LiveDisplay
from orchestrator.console.style import STATE
from orchestrator.console.table import Column, print_table, table_lines
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.store.json_files import write_json
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.trial.trial_report import TrialReport

WIDTHS = pytest.mark.parametrize("width", [80, 100, 120, 200])
FACTORS = {
    "loss.gradient_penalty": [0.0, 10.0],
    "optimizer.generator.lr": [0.00023],
    "optimizer.discriminator.betas": [[0.5, 0.999]],
    "stabilizers.label_smoothing": [0.1],
    "stabilizers.instance_noise.std": [0.125],
}
"""Their names and levels make names of trials that are wider than a terminal."""
METRICS = {
    "loss/generator": -1.23456e-05,
    "loss/discriminator": -6.54321e12,
    "accuracy/discriminator": 0.5,
    "diversity/ratio": 1.25,
    "frechet/random-1a2b3c4d": 1234.5,
}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A sweep with long names whose trials have ended in every way; its folder is known to other commands."""
    grid = "".join(f"      {path}: {levels}\n" for path, levels in FACTORS.items())
    file = tmp_path / "tiny.yaml"
    text = TINY.replace("steps: 8", "steps: 100000\n  loss.name: bce")
    file.write_text(text.replace("      stabilizers.label_smoothing: [0.0, 0.1]\n", grid))
    plan = make_plan(loader.load(file), tmp_path / "home")
    ends = [(TrialStatus.FINISHED, "oscillating"), (TrialStatus.FINISHED, "unfinished"), (TrialStatus.INTERRUPTED, "")]
    for planned, (status, verdict) in zip(plan.trials, ends, strict=False):
        record = planned.record
        record.status, record.step, record.metrics = status, 100_000, METRICS
        if verdict:
            record.verdict = {"name": verdict, "since": None, "reason": "why", "evidence": {}}
        plan.folder.trial(planned.key).folder.mkdir(parents=True)
        plan.folder.trial(planned.key).write_record(record)
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan


def shown(width: int, show: Callable[[Console], object], terminal: bool = True) -> list[str]:
    """The lines that are printed in a terminal of this width, without colours."""
    output = io.StringIO()
    show(Console(file=output, width=width, force_terminal=terminal, color_system=None, markup=False))
    return output.getvalue().splitlines()


def assert_each_is_whole(texts: list[str], lines: list[str]) -> None:
    for text in texts:
        assert any(text in line for line in lines), (text, lines)


def assert_lines_fit(lines: list[str], width: int, texts: list[str]) -> None:
    """Only a line with one of these texts, which stay whole, may be wider than the terminal."""
    wide = [line for line in lines if cell_len(line.rstrip()) > width]
    assert all(any(text in line for text in texts) for line in wide), wide


@WIDTHS
def test_status_and_plan_show_every_name_and_state(plan: Plan, tmp_path: Path, width: int) -> None:
    names = [planned.trial.name for planned in plan.trials]
    keys = [planned.key[:8] for planned in plan.trials]
    states = ["oscillating", "unfinished", "interrupted", "pending", "100000/100000"]
    lines = shown(width, lambda console: print_sweep(plan.folder.home, "tiny", console, as_json=False))
    assert_each_is_whole([*names, *keys, *states, "1.23e+03"], lines)
    assert_lines_fit(lines, width, [*names, "next ", "note "])
    counts = next(line for line in lines if "trials: " in line)  # `plan` says the same
    request = PlanRequest(plan.sweep, plan.folder.home, workers=1)
    preview = make_preview(request, lambda text: None)
    lines = shown(width, lambda console: print_preview(preview, console))
    assert_each_is_whole([*names, *keys, "finished", "interrupted", "pending", counts], lines)
    assert_lines_fit(lines, width, [*names, "next ", "caution", "expected"])


@WIDTHS
def test_the_list_of_sweeps_shows_every_name_and_count(plan: Plan, width: int) -> None:
    other = plan.folder.home / "sweeps" / ("x" * 64) / "sweep.json"
    other.parent.mkdir()
    write_json(other, plan.to_document())
    lines = shown(width, lambda console: print_sweeps(plan.folder.home, console, as_json=False))
    counts = "4 trials: 2 finished (1 oscillating, 1 unfinished), 1 interrupted, 1 pending"
    assert_each_is_whole(["tiny", "x" * 64, counts, "4 trials: 4 pending"], lines)
    assert_lines_fit(lines, width, [])


@WIDTHS
def test_the_live_table_shows_every_name_and_verdict_on_one_line(plan: Plan, width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.start(plan, Eta(plan, 2))
    for planned in plan.unfinished:
        running = {"is_done": False, "step": 99_999, "verdict_so_far": "oscillating", "latest": METRICS}
        display.on_report(TrialReport(planned.key, seconds=1.0, **running))
    with console.capture() as captured:
        console.print(display.render())
    lines = captured.get().splitlines()
    assert_each_is_whole(["oscillating", "99999/100000", "2 of 4 ended", "left"], lines)
    assert_lines_fit(lines, width, [])
    without_breaks = " ".join(line.strip() for line in lines)
    assert all(planned.trial.name in without_breaks for planned in plan.unfinished)  # a few are wider than 80
    assert len(lines) <= 3 + 3 + 2 * (2 + (width == 80))  # head; titles and what is left out; rows with their names


@WIDTHS
def test_commands_that_get_data_sets_are_whole(tmp_path: Path, width: int) -> None:
    home = tmp_path / "a folder with a name"
    commands = [download_command(known, home) for known in KNOWN_DATASETS]
    lines = shown(width, lambda console: print_datasets(home, console))
    assert_each_is_whole([*commands, *(known.name for known in KNOWN_DATASETS)], lines)
    assert_each_is_whole(["missing", "60,000"], lines)


@WIDTHS
def test_rows_of_a_history_fit_with_values_of_any_size(width: int) -> None:
    rows = [{"time": 1.7e12, "step": 9_999_999, **METRICS}, {"time": 1.7e12, "step": 10}]
    lines = logs._row_table(rows, 10)
    assert_lines_fit(lines, width, [])
    assert all(title in lines[0].split("  ")[-1] or f" {title}" in lines[0] for title in ("D accuracy", "Frechet"))
    assert lines[1].split()[-5:] == ["-1.23e-05", "-6.54e+12", "0.500", "1.25", "1.23e+03"]


@WIDTHS
def test_nodes_and_checks_are_whole(width: int) -> None:
    cluster = [Node("ec2-203-0-113-25.compute-1.amazonaws.com", True, 128.0, 8.0, "NVIDIA-H200, NVIDIA-A100", 1000)]
    lines = shown(width, lambda console: print_table(console, nodes.COLUMNS, nodes.cells(cluster)))
    assert_each_is_whole([cluster[0].address, cluster[0].device, "128", "1000"], lines)
    to_do = "pip install -c constraints.txt -e . --extra-index-url https://download.example.org/a/long/address/whl/cpu"
    check = Check("torch", "wrong", "cannot be imported", to_do)
    lines = shown(width, lambda console: print_checks([check], console, as_json=False))
    assert_each_is_whole(["torch", "wrong", to_do], lines)


# The layout itself

COLUMNS = [Column("key"), STATE, Column("a", right=True, optional=2), Column("b", optional=1), Column("name")]
ROW = ["1234", "stable", "0.5", "long value", "a name"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, ["key   state     a  b           name", "1234  stable  0.5  long value  a name"]),
        (36, ["key   state     a  b", "  name", "1234  stable  0.5  long value", "  a name"]),
        (28, ["key   state     a", "  name", "1234  stable  0.5", "  a name", "(no room for b)"]),
        (12, ["key   state", "  name", "1234  stable", "  a name", "(no room for a, b)"]),
        (5, ["key   state", "  name", "1234  stable", "  a name", "(no room for a, b)"]),
    ],
)
def test_first_the_last_column_moves_then_what_is_optional_goes_and_the_rest_stays(
    width: int, expected: list[str]
) -> None:
    assert [line.plain.rstrip() for line in table_lines(COLUMNS, [ROW], width)] == expected


@pytest.mark.parametrize("terminal", [True, False])
def test_a_text_of_a_file_neither_controls_the_terminal_nor_is_it_markup(terminal: bool) -> None:
    name = "[red]\x1b[31m:smile:"
    lines = shown(80, lambda console: print_table(console, COLUMNS, [[*ROW[:-1], name]]), terminal)
    assert lines[1].endswith("[red]\\x1b[31m:smile:")


def test_wide_characters_keep_the_columns_in_line() -> None:
    rows = [["名前", *ROW[1:]], ROW]
    starts = [cell_len(line.plain.partition("stable")[0]) for line in table_lines(COLUMNS, rows, 80)[1:]]
    assert starts[0] == starts[1]


def test_a_state_has_its_colour_and_nothing_else_has() -> None:
    spans = table_lines(COLUMNS, [ROW], 80)[1].spans
    assert [str(span.style) for span in spans if span.style] == ["green"]
