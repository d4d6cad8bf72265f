"""What ending trials early has saved, and how often it was wrong: sentences of the answer."""

from __future__ import annotations

from gan_core.verdict.names import VerdictName
from orchestrator.formatting import count_of
from orchestrator.report.data import SweepData
from orchestrator.statistics.intervals import wilson_share

RECOVERED = (VerdictName.STABLE, VerdictName.UNFINISHED)
"""Verdicts of audits that it would have been wrong to end early."""


def early_end_sentences(data: SweepData) -> list[str]:
    """[] of a sweep that ends no trials early."""
    if not data.stop_early:
        return []
    trained = [run for run in data.runs if run.has_ended]
    ended = [run for run in trained if run.ended_early]
    audits = [run for run in trained if run.lost_at is not None and not run.ended_early]
    if not ended and not audits:
        return ["No trial was ended early."]
    saved = sum(run.steps - run.last_step for run in ended) / sum(run.steps for run in trained)
    verb = "was" if len(ended) == 1 else "were"
    counted = (
        f"{len(ended)} of {count_of(len(trained), 'trial')} {verb} ended early, which saved {saved:.0%} of the steps"
    )
    kept = "; they count as what they were judged, and their distances are those of that step" if ended else ""
    if not audits:
        return [f"{counted}{kept}. No trial ran on as an audit, so nothing says how often an early end is wrong."]
    false = wilson_share(sum(run.verdict in RECOVERED for run in audits), len(audits))
    rate = f"a false-stop rate of {false.rate:.0%} (95% interval {false.low:.0%} to {false.high:.0%})"
    ran_on = f"Of {count_of(len(audits), 'trial')} that ran on as an audit {false.hits} ended stable or unfinished"
    return [f"{counted}{kept}.", f"{ran_on}: {rate}."]
