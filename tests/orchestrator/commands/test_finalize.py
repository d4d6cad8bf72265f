"""Whose generator a sweep logs at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from support.until_answered import UNTIL, end_well, plan_of

from orchestrator.commands import finalize
from orchestrator.planning.plan import Plan
from orchestrator.planning.ranking import RankedConfiguration
from orchestrator.tracking import model_logging
from orchestrator.tracking.mirror import Mirror


class FakeMirror:
    def __init__(self, plan: Plan, best: list[str] | None):
        self.folder = plan.folder
        self.document: dict[str, Any] = {**plan.to_document(), "answer": {"best": best}}


def test_the_generator_is_of_a_configuration_that_the_answer_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranking has the first configuration first, whose distances are a tenth."""
    plan = plan_of(tmp_path, UNTIL)
    for planned in plan.trials:
        if planned.trial.seed < 2:
            end_well(plan, planned)
    worse, better = (f"dcgan smoothing={level}" for level in ("0", "0.1"))
    monkeypatch.setattr(model_logging, "log_generator", lambda mirror, ranked, register: ranked)

    def logged(best: list[str] | None) -> str:
        mirror = cast(Mirror, FakeMirror(plan, best))
        result = finalize._with_best_generator(finalize.FinalResult(), mirror, None, lambda phase: None)
        return cast(RankedConfiguration, result.model).configuration

    assert logged(None) == logged([worse, better]) == better
    assert logged([worse]) == worse
