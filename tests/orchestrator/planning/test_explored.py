"""The plan of a sweep that chooses its trials one after another, before, while and after it has some."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import pytest
from support.commands import invoke
from support.explored import LR, MAP, SEARCH, Bisection, end, plan_of
from support.tiny import run_to_end

from orchestrator.commands import sweep_preparation
from orchestrator.commands.queued_training import with_confirmations
from orchestrator.console.output import make_console
from orchestrator.console.progress import QuietDisplay
from orchestrator.errors import SpecError
from orchestrator.planning import disk_estimate
from orchestrator.planning.confirmation import MIN_SEEDS
from orchestrator.planning.eta import Eta
from orchestrator.planning.plan import Plan
from orchestrator.planning.point_queue import PointQueue
from orchestrator.planning.runtime_estimate import TimedTrial, estimate_runtime
from orchestrator.planning.staleness import changes_since_last_command
from orchestrator.store.json_files import write_with_checksum


def train(plan: Plan, points: int) -> PointQueue:
    """Choose and end so many points, and leave `sweep.json` as the command does."""
    queue = PointQueue(plan, Bisection(12))
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    queue.on_change = lambda: write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    queue.begin(1)
    while len(queue._ended) < points and (planned := queue.peek(1)):
        queue.give(planned)
        end(plan, planned)
        queue.take_back(planned.key)
    return queue


def test_a_trial_that_is_not_chosen_yet_is_taken_for_the_middle_of_the_space(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert not plan.trials and plan.size == len(plan.to_train) == len({planned.key for planned in plan.expected}) == 12
    assert {planned.trial.factors[LR] for planned in plan.expected} == {0.003162}
    estimate = estimate_runtime(plan, [TimedTrial(plan.expected[0].config, 2.0)], workers=2)
    assert estimate and estimate.sources == {"the same configuration": 12}
    twice = plan_of(tmp_path, MAP.replace("trials: 12", "trials: 24"))
    assert disk_estimate.bytes_needed(twice, 1) > 1.5 * disk_estimate.bytes_needed(plan, 1)


def test_the_end_of_a_range_that_does_not_fit_the_data_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    text = MAP.replace("stabilizers.label_smoothing: {uniform: [0, 0.3]}", "batch_size: {integers: [8, 1000000]}")
    with pytest.raises(SpecError, match=r"batch_size"):
        plan_of(tmp_path, text)


def test_the_time_left_counts_trials_that_are_still_to_be_chosen(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    eta = Eta(plan, workers=1)
    assert math.isinf(eta.seconds_left())
    queue = PointQueue(plan, Bisection(12))
    queue.on_chosen = eta.replace_expected
    queue.begin(1)
    first = queue.peek(1)
    assert first
    eta.progress(first.key, 0, seconds=10.0)
    assert eta.seconds_left() == pytest.approx(110.0)


def test_another_space_chooses_anew_and_the_command_says_so(tmp_path: Path) -> None:
    train(plan_of(tmp_path), 3)
    other = plan_of(tmp_path, MAP.replace("[1e-4, 1e-1]", "[1e-4, 1e-2]"))
    assert not other.trials and len(other.expected) == 12
    (caution, left) = changes_since_last_command(other)
    assert caution.startswith("caution: this map chooses all its points anew, without the ")
    assert caution.endswith(" points so far: its space changed") and "leave this sweep" in left


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MAP.replace("    sample:", "    sample:\n      seed: 1"), "the seed of its sample changed"),
        (
            MAP.replace("steps: 8", "steps: 12"),
            "its settings (steps count too), its data or this program's defaults changed",
        ),
        (SEARCH, "its kind"),
    ],
)
def test_what_else_makes_it_choose_anew(tmp_path: Path, text: str, reason: str) -> None:
    train(plan_of(tmp_path), 3)
    other = plan_of(tmp_path, text)
    assert not other.trials and reason in changes_since_last_command(other)[0]


def test_a_larger_number_is_no_change(tmp_path: Path) -> None:
    train(plan_of(tmp_path), 3)
    assert changes_since_last_command(plan_of(tmp_path, overrides=["map.trials=40"])) == []


def test_points_that_contradict_the_settings_of_today_are_chosen_anew(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    train(plan, 3)
    document = plan.folder.document()
    document["explored"]["points"][1]["settings"]["stabilizers.label_smoothing"] = 2.0
    write_with_checksum(plan.folder.sweep_file, document)
    other = plan_of(tmp_path)
    assert not other.trials and len(other.expected) == 12
    assert "chooses all its points anew" in changes_since_last_command(other)[0]


def test_another_order_of_the_settings_of_a_map_is_no_change(tmp_path: Path) -> None:
    queue = train(plan_of(tmp_path), 3)
    other = plan_of(tmp_path, overrides=[f"map.over=[stabilizers.label_smoothing, {LR}]"])
    assert [planned.key for planned in other.trials] == queue._keys and not changes_since_last_command(other)
    assert other.explored and other.explored["over"][1] == LR


def test_finished_trials_of_another_sweep_are_copied_when_they_are_chosen(tmp_path: Path) -> None:
    other = PointQueue(plan_of(tmp_path, MAP.replace("sweep: tiny", "sweep: other")), Bisection(12))
    other.begin(1)
    while len(other._ended) < 2 and (planned := other.peek(1)):
        other.give(planned)
        run_to_end(other._plan, planned)
        other.take_back(planned.key)
    write_with_checksum(other._plan.folder.sweep_file, other.plan_so_far().to_document())
    prepare = partial(sweep_preparation.take_over, display=QuietDisplay(make_console()))
    plan = plan_of(tmp_path)
    queue = PointQueue(plan, Bisection(12), prepare)
    queue.begin(1)
    left = queue.peek(1)
    assert left and left.trial.seed == 2, "those that the other sweep has finished are not trained"
    copied = queue.plan_so_far().trials[:2]
    assert [each.key for each in copied] == [each.key for each in other.plan_so_far().trials[:2]]
    assert all(each.record.has_ended and plan.folder.trial(each.key).folder.exists() for each in copied)


def test_what_is_confirmed_gets_seeds_that_no_point_has(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, overrides=["map.trials=8"])
    assert with_confirmations(plan, 1, print).trials == [], "not before all points have ended"
    train(plan, 8)
    confirmed = with_confirmations(plan_of(tmp_path, overrides=["map.trials=8"]), 1, print)
    seeds = [planned.trial.seed for planned in confirmed.trials if planned.trial.confirms]
    assert len(seeds) == MIN_SEEDS and min(seeds) >= 8


def test_plan_and_status_say_how_far_it_is(tmp_path: Path) -> None:
    file, home = tmp_path / "tiny.yaml", tmp_path / "home"
    file.write_text(MAP)
    before = invoke("plan", file, home=home).stdout
    assert "map over optimizer.lr, stabilizers.label_smoothing: 0 of 12 trials are chosen so far" in before
    assert "12 trials: 12 to choose" in before


def test_plan_and_status_count_what_is_still_to_be_chosen(tmp_path: Path) -> None:
    file, home = tmp_path / "tiny.yaml", tmp_path / "home"
    train(plan_of(tmp_path), 5)
    planned = json.loads(invoke("plan", file, "--json", home=home).stdout)
    status = json.loads(invoke("status", "tiny", "--json", home=home).stdout)
    chosen = len(planned["trials"])
    assert 5 <= chosen < 12 and planned["to_choose"] == status["to_choose"] == 12 - chosen
    assert len(status["trials"]) == chosen and planned["expected_seconds"] is None
    text = invoke("status", "tiny", home=home).stdout
    assert f"{chosen} of 12 trials are chosen so far" in text and f"{12 - chosen} to choose" in text
    assert "goes on with it" in text
    assert f"{12 - chosen} to choose" in invoke("status", home=home).stdout
