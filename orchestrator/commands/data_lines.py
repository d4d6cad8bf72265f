"""The user's own images as `plan`, `sweep` and `train` show them before anything starts."""

from __future__ import annotations

from gan_core.data.summary import summary_lines
from orchestrator.errors import escape_control_characters
from orchestrator.planning.plan import Plan


def data_lines(plan: Plan) -> list[str]:
    """What the user's own images are, and what was done with them."""
    return [
        escape_control_characters(("data  " if number == 0 else "      ") + line)
        for summary in plan.data_summaries()
        for number, line in enumerate(summary_lines(summary))
    ]
