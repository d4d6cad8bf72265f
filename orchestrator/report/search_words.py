"""What a search has found, in sentences: what it names, what it would have claimed, and what fresh seeds say."""

from __future__ import annotations

from math import ceil, isfinite

from orchestrator.formatting import count_of
from orchestrator.report.search_content import Fresh, SearchContent, distance_of, estimate_of
from orchestrator.statistics.intervals import Change

NORMAL_SQUARED = 1.96**2
"""In Wilson's interval n of n runs have the lower end n / (n + 1.96^2)."""


def sentences(search: SearchContent) -> list[str]:
    """The first ones of the report's answer."""
    if not search.named or not search.best:
        return [f"The search has found no settings with a stable run in {count_of(len(search.runs), 'trial')}."]
    best = search.named[0]
    counted = f"{len(best.tried.stable)} of {len(best.tried.judged)} of its runs are stable"
    fails = "" if best.keeps(search.required) else f", which is less than the {search.required:.0%} that are required"
    distance = f"a Frechet distance of about {estimate_of(best):.3g} is expected"
    lines = [f"The search names {search.best}: {counted}{fails}; {distance}."]
    lines.append(_claims(search))
    if fresh := search.fresh.get(search.best):
        lines.append(_of_fresh_seeds(fresh, search))
    else:
        lines.append("No fresh seeds have confirmed it yet, so these numbers are those that it was chosen by.")
    if search.stopped:
        verb = "was" if search.stopped == 1 else "were"
        lines.append(
            f"{search.stopped} of its {len(search.runs)} trials {verb} stopped by the schedule, which counts as "
            "neither stable nor unstable."
        )
    return lines


def _claims(search: SearchContent) -> str:
    """What the search alone would have claimed."""
    luckiest = search.luckiest
    assert luckiest and search.named
    own = distance_of(search.named[0].tried.runs)
    of_named = f", and the runs of the named one have a mean of {own.mean:.3g}" if own and own.pairs > 1 else ""
    other = "" if luckiest.run.configuration == search.best else f" ({luckiest.run.configuration})"
    return f"By its luckiest run the search would have claimed {luckiest.distance:.3g}{other}{of_named}."


def _of_fresh_seeds(fresh: Fresh, search: SearchContent) -> str:
    share = f"{fresh.share} runs are stable (95% interval {fresh.share.low:.0%} to {fresh.share.high:.0%})"
    quality = f", with a Frechet distance of {with_interval(fresh.distance)}" if fresh.distance else ""
    standing = fresh.standing(search.required)
    needed = ceil(search.required * NORMAL_SQUARED / (1 - search.required)) if search.required < 1 else 0
    open_words = f"is open: it would take {needed} of {needed} to show it" if needed else "is open"
    words = {"shown": "is shown", "refuted": "is refuted", "open": open_words}[standing]
    return f"On {fresh.share.total} fresh seeds {share}{quality}. That {search.required:.0%} are stable in all {words}."


def with_interval(change: Change) -> str:
    """`31.2 (28.9 to 33.7)`; of one run `31.2`."""
    if not isfinite(change.high):
        return f"{change.mean:.3g}"
    return f"{change.mean:.3g} (95% interval {change.low:.3g} to {change.high:.3g})"
