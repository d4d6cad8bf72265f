"""Where a sweep stands, and what to do next."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console
from support.tiny import finished_trial, run_some_steps, run_to_end

from orchestrator.commands.status import print_sweep
from orchestrator.commands.trial_lookup import find_trial
from orchestrator.commands.trial_rows import rows_of_plan
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_lock import hold

MakePlan = Callable[[], Plan]


def status_output(plan: Plan) -> str:
    out = io.StringIO()
    print_sweep(plan.folder.home, "tiny", Console(file=out, width=200), as_json=False)
    return out.getvalue()


def test_the_next_command_follows_from_where_the_sweep_stands(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    run_some_steps(plan, plan.trials[0], 1).suspend()
    write_json(plan.folder.sweep_file, plan.to_document())
    assert f"orchestrate sweep {plan.sweep.file} --home {plan.folder.home} goes on with it" in status_output(plan)
    with hold(plan.folder):
        text = status_output(plan)
    assert f"orchestrate logs tiny {plan.trials[0].key[:8]} --follow" in text
    assert "orchestrate stop tiny" in text
    run_to_end(plan, plan.trials[0])
    for planned in plan.trials[1:]:
        finished_trial(plan, planned)
    assert f"orchestrate sample tiny {plan.trials[0].key[:8]}" in status_output(plan)


def test_a_sweep_without_trials_is_no_error(tiny_plan: MakePlan) -> None:
    """As an earlier version left it, when a budget was spent before any trial ended."""
    plan = tiny_plan()
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, {**plan.to_document(), "trials": []})
    assert "goes on with it" in status_output(plan)
    with hold(plan.folder):
        assert "0 trials" in status_output(plan)


def test_a_damaged_history_is_told_with_the_command_that_writes_it_again(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    for planned in plan.trials:
        finished_trial(plan, planned)
    write_json(plan.folder.sweep_file, plan.to_document())
    assert "damaged or gone" not in status_output(plan)
    file = plan.folder.trial(plan.trials[1].key).history_file
    for damage in (lambda: file.write_bytes(file.read_bytes()[:-9]), file.unlink):
        damage()
        text = status_output(plan)
        assert f"note    {plan.trials[1].key[:8]} {plan.trials[1].trial.name}: {file} is damaged or gone" in text
        assert f"orchestrate sweep {plan.sweep.file} --home {plan.folder.home} goes on with it" in text
        assert [bool(row["note"]) for row in rows_of_plan(tiny_plan())] == [False, True, False, False]


def test_trials_stand_under_the_keys_that_other_commands_take(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    plan.folder.folder.mkdir(parents=True)
    write_json(plan.folder.sweep_file, plan.to_document())
    rows = status_output(plan).splitlines()[1:5]
    assert [row.split()[0] for row in rows] == [planned.key[:8] for planned in plan.trials]
    assert all(find_trial(plan.folder, row.split()[0])["name"] in row for row in rows)
    assert all(planned.trial.name in row for planned, row in zip(plan.trials, rows, strict=True))


def test_held_out_images_stand_below_the_distances(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    for planned in plan.trials[:2]:
        finished_trial(plan, planned)
    write_json(plan.folder.sweep_file, plan.to_document())
    card = plan.folder.trial(plan.trials[0].key).record().evaluator
    held_out = [line for line in status_output(plan).splitlines() if "held out" in line]
    scores = card["kept_out"]
    assert held_out == [f"Frechet of 80 real images, held out: {scores['frechet']:#.3g} ({card['id']})"]
