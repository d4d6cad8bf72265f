"""Seeds that were added by hand to a fixed sweep after a report was written: its intervals are then exploratory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orchestrator.store.sweep_document import SweepDocument

MIN_SEEDS = 2
"""A report of fewer makes no claim that chance could have made."""


def first_reported(before: SweepDocument | None, has_report: bool, seeds: Sequence[int]) -> list[int]:
    """The seeds of the first report of the sweep; [] without a report that matters to one with these `seeds`.

    before: the sweep as the last command left it. has_report: whether a report was written by then. Other seeds
    altogether are a sweep of their own.
    """
    if before is None:
        return []
    reported = before.get("reported_seeds", [])
    if not reported and has_report and "answer" not in before:  # looks one by one: see `earlier_looks`
        reported = before["seeds"]
    return reported if len(reported) >= MIN_SEEDS and set(reported) & set(seeds) else []


def added_sentence(reported: Sequence[int], seeds: Collection[int]) -> str:
    """That the intervals of these `seeds` are exploratory; "" if they are not."""
    added = sorted(set(seeds) - set(reported))
    if not reported or not added:
        return ""
    verb = "was" if len(added) == 1 else "were"
    return (
        f"{len(added)} of {len(set(seeds))} seeds {verb} added by hand after a report, so the intervals are "
        "exploratory: the promised 5% of false claims hold only for seeds that are fixed in advance, and `until: "
        "answered` is the way to add seeds validly"
    )
