"""What was looked at before: another question, other margins, or a fixed list after looks are exploratory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny import TINY
from support.until_answered import UNTIL, end_well, plan_of

from orchestrator.commands import queued_training
from orchestrator.planning.earlier_looks import other_looks_sentence
from orchestrator.planning.staleness import changes_since_last_command
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.trial_status import TrialStatus

LEARNING_RATES = "      stabilizers.label_smoothing: [0.0, 0.1]\n      optimizer.lr: [1e-3, 2e-3]\n"
GRID = UNTIL.replace("      stabilizers.label_smoothing: [0.0, 0.1]\n", LEARNING_RATES)


@pytest.fixture
def looks(tmp_path: Path) -> Callable[[str], str]:
    """What an answer says of the looks of earlier commands, once a command with this file has looked and left."""

    def run(text: str) -> str:
        plan = plan_of(tmp_path, text)
        for planned in plan.trials:
            if planned.trial.seed < 2 and planned.record.status != TrialStatus.FINISHED:
                end_well(plan, planned)
        plan = plan_of(tmp_path, text)
        plan.folder.folder.mkdir(parents=True, exist_ok=True)
        if plan.sweep.until:
            queue = queued_training.queue_of(plan)
            assert queue
            plan = queue.plan_so_far()
            assert plan.answer and plan.answer["seeds"] == 2
        write_with_checksum(plan.folder.sweep_file, plan.to_document())
        if plan.answer:
            return other_looks_sentence(plan.answer["first"], plan.answer["most"], plan.answer["other_looks"])
        return "".join(line for line in changes_since_last_command(plan) if line.startswith("caution"))

    return run


def test_another_last_look_after_a_look_is_exploratory(looks: Callable[[str], str]) -> None:
    longer = UNTIL.replace("most: 8", "most: 9")
    assert looks(UNTIL) == looks(UNTIL) == ""
    assert "2 to 8 seeds" in looks(longer)
    assert "2 to 8 seeds" in looks(longer), "it stays so"


def test_another_question_after_a_look_is_exploratory(looks: Callable[[str], str]) -> None:
    """Whoever asks only for what looked best is wrong more often than 5%; so is who widens a margin."""
    both = GRID.replace("answer: {factors: [stabilizers.label_smoothing],", "answer: {")
    assert looks(both) == ""
    assert "other comparisons" in looks(GRID)
    assert "other comparisons" in looks(GRID.replace("stable: 0.99", "stable: 0.999"))
    assert "other comparisons" in looks(both), "what came in between was no part of the design"


def test_a_fixed_list_after_looks_is_exploratory_and_does_not_hide_them(looks: Callable[[str], str]) -> None:
    assert looks(UNTIL) == ""
    assert "looked at 2 seeds one by one" in looks(TINY)
    assert looks(TINY.replace("[0, 1]", "[5, 6]")) == "", "other seeds altogether are a design of their own"
    assert looks(UNTIL) == "", "the same design goes on"
    assert "2 to 8 seeds" in looks(UNTIL.replace("most: 8", "most: 9"))
