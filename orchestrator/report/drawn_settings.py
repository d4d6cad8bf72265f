"""What the report says of settings that were drawn: the rows of the page's table, and sentences of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from orchestrator.formatting import count_of, format_level
from orchestrator.space import Choice
from orchestrator.statistics.sampled_effects import MIN_POINTS, SampledEffect
from orchestrator.statistics.smooth import PLACES

SUBJECTS = {"stable": "the share of stable runs", "frechet": "the Frechet distance of the runs that drew"}
MAX_NAMED = 3
"""Most settings that a sentence tells of."""
NUMBERS_AT = tuple(range(0, len(PLACES), 5))
"""The places of a curve that stand in a table: every eighth of the range."""

Names = dict[str, dict[str, str]]
"""Group -> path of a setting -> its short name."""


@dataclass(frozen=True)
class DrawnRow:
    """A drawn setting and an outcome in the table of the page. `explained`, `chance`: parts; None without a test."""

    group: str
    name: str
    outcome: str
    points: int
    numbers: str
    change: str
    explained: float | None
    chance: float | None
    says: str
    holds: bool


def rows_of(effects: Sequence[SampledEffect], names: Names, is_tested: bool = True) -> list[DrawnRow]:
    """In the order of the effects. is_tested: whether it is said which stand out."""
    return [
        DrawnRow(
            effect.group,
            name_of(effect, names),
            "stable runs" if effect.outcome == "stable" else "Frechet distance",
            effect.points,
            numbers_text(effect),
            change_text(effect) if effect.curve else "",
            effect.explained if effect.curve else None,
            effect.chance if effect.curve else None,
            _says(effect, is_tested),
            effect.holds,
        )
        for effect in effects
    ]


def name_of(effect: SampledEffect, names: Names) -> str:
    return names[effect.group][effect.dimension.path]


def numbers_text(effect: SampledEffect) -> str:
    return f"{count_of(effect.points, 'point')}, {count_of(effect.seeds, 'seed')}"


def value_text(value: Any) -> str:
    """A value of a setting with three digits: of a curve, it is no value of a trial."""
    return format_level(float(f"{value:.3g}")) if isinstance(value, float) else format_level(value)


def estimate_text(effect: SampledEffect, place: int) -> str:
    """The outcome there with its band, if it has one: `95% (80% to 99%)`, `x0.83 (0.7 to 0.98)`."""
    assert effect.curve
    ends = [float(values[place]) for values in effect.curve]
    if effect.outcome == "stable":
        middle, low, high = (f"{value:.0%}" for value in ends)
    else:
        middle, low, high = (f"{exp(value):.2g}" for value in ends)
    sign = "" if effect.outcome == "stable" else "x"
    return f"{sign}{middle} ({low} to {high})" if effect.has_band else f"{sign}{middle}"


def table_places(effect: SampledEffect) -> Sequence[int]:
    """The places whose estimates stand in a table."""
    return range(len(effect.places)) if isinstance(effect.dimension, Choice) else NUMBERS_AT


def change_text(effect: SampledEffect) -> str:
    """The outcome where it is highest and lowest, in the order of the range."""
    assert effect.curve
    middle = effect.curve.middle.tolist()
    ends = sorted({middle.index(max(middle)), middle.index(min(middle))})
    return ", ".join(f"{estimate_text(effect, place)} at {value_text(effect.places[place])}" for place in ends)


def _says(effect: SampledEffect, is_tested: bool) -> str:
    """What can be claimed, or why nothing can."""
    if effect.curve is None:
        return f"too few points for a curve: {MIN_POINTS} are needed"
    if effect.seeds == 1:
        return "one seed: no band, since all runs share its luck"
    if not is_tested:
        return "not tested, as the sweep looks seed by seed"
    if effect.holds:
        return "stands out"
    return "cannot be told from luck" if effect.explained <= effect.chance else "does not stand out among all of them"


def sentences(effects: Sequence[SampledEffect], names: Names) -> list[str]:
    """What drawn settings are shown to do, or that nothing is shown; [] if none was drawn."""
    lines = []
    for outcome, subject in SUBJECTS.items():
        of_outcome = [effect for effect in effects if effect.outcome == outcome and effect.curve]
        holding = sorted((effect for effect in of_outcome if effect.holds), key=lambda effect: -effect.explained)
        for effect in holding[:MAX_NAMED]:
            lines.append(_claim(effect, subject, names))
        if not of_outcome or holding:
            continue
        best = max(of_outcome, key=lambda effect: effect.explained - effect.chance)
        shares = f"explains {best.explained:.0%}, luck alone up to {best.chance:.0%}"
        if best.explained > best.chance:  # luck of one effect, not of the luckiest of all
            why = (
                f"{name_of(best, names)} {shares} in 19 of 20 cases, but the luckiest of the {len(effects)} effects "
                f"looked at may well explain so much ({numbers_text(best)})."
            )
        else:
            why = f"{numbers_text(best)} cannot tell it from luck ({name_of(best, names)} {shares})."
        lines.append(f"No drawn setting is shown to change {subject}: {why}")
    if effects and not any(effect.curve for effect in effects):
        most = max(effect.points for effect in effects)
        lines.append(f"{count_of(most, 'point')}: too few for the effects of drawn settings, which take {MIN_POINTS}.")
    return lines


def _claim(effect: SampledEffect, subject: str, names: Names) -> str:
    group = f" ({effect.group})" if len({name for name in names if name != "all groups"}) > 1 else ""
    relative = ", relative to its average" if effect.outcome == "frechet" else ""
    seed = "; one seed, so without bands" if effect.seeds == 1 else ""
    start = subject[0].upper() + subject[1:]
    return (
        f"{start} changes with {name_of(effect, names)}{group}: it is {change_text(effect)}{relative} "
        f"({numbers_text(effect)}{seed}; on average over the other settings)."
    )
