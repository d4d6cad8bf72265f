"""Reads how a sweep is to be answered: `until`, `answer`, `budget`, and `seeds` with a first and a last look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gan_core.config.identity import effective_settings
from gan_core.config.stabilizer_sections import expand_shorthand
from orchestrator.errors import did_you_mean, short_repr
from orchestrator.statistics.effects import compared_pairs
from orchestrator.statistics.group_comparison import Member, results_of
from orchestrator.statistics.result import Result
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.model import Trial, UntilAnswered
from orchestrator.sweepfile.settings import SettingsReader
from orchestrator.sweepfile.yaml_source import LocatedValue

ANSWERED = "answered"
KEYS = ("until", "budget", "answer")
MAX_SEEDS = 500
MAX_HOURS = 1_000_000
"""Of a budget: more than a hundred years."""
HOW_TO_ASK = "`until: answered` (or --set until=answered)"
"""Every command that reads a sweep file has `--set`; only some have `--until-answered`."""
SEEDS_EXAMPLE = "seeds: {first: 3, most: 20}"
BUDGET_EXAMPLE = "write a time such as 2h or 90m, or {hours: 2}, or {worker_hours: 40}"
UNITS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600}
"""Of a time, in hours."""

Top = dict[str, LocatedValue]


def is_range(seeds: LocatedValue | None) -> bool:
    """Whether `seeds` gives a first and a last look, and no list."""
    return seeds is not None and isinstance(seeds.value, dict)


def read_until(reader: SettingsReader, top: Top) -> UntilAnswered | None:
    """What the keys at the top of the file say; None without `until`. Mistakes are reported to `reader`."""
    seeds, until = top.get("seeds"), top.get("until")
    if until is None or until.value is None:
        if seeds and is_range(seeds):
            looks = f"a first and a last look need {HOW_TO_ASK}"
            reader.report(seeds.source, "seeds", f"{looks}; without it, write a list of whole numbers as [0, 1, 2]")
        for key in ("budget", "answer"):
            if key in top:
                reader.report(top[key].source, key, f"needs {HOW_TO_ASK}")
        return None
    if until.value != ANSWERED:
        written = short_repr(yaml_source.plain(until.value))
        reader.report(until.source, "until", f"{written} is not allowed; write until: {ANSWERED}")
        return None
    if seeds is None or not is_range(seeds):
        reader.report(until.source, "until", f"needs a first and a last look, not a fixed list: write {SEEDS_EXAMPLE}")
        return None
    first, most = _looks(reader, seeds)
    hours, worker_hours = _budget(reader, top.get("budget"))
    factors, best, same_stable, same_quality = _answer(reader, top.get("answer"))
    return UntilAnswered(first, most, factors, best, same_stable, same_quality, hours, worker_hours)


def check_answerable(reader: SettingsReader, top: Top, until: UntilAnswered, trials: Sequence[Trial]) -> None:
    """Reports factors that no two configurations differ in alone, and a sweep that compares nothing.

    `trials`: those of one seed.
    """
    members = [_as_member(trial) for trial in trials]
    compared = list(dict.fromkeys(comparison.factor for comparison in compared_pairs(results_of(members))))
    if not compared and not (until.best and len(trials) > 1):
        message = "there is nothing to answer: no two configurations differ in one setting alone"
        reader.report(top["until"].source, "until", message)
    drawn = {path for trial in trials for path in trial.sampled}
    for factor in until.factors:
        if factor in drawn:
            message = f"{factor} is drawn: the report has its effect as a curve, so leave it out here"
            reader.report(top["answer"].source, "answer.factors", message)
        elif compared and factor not in compared:
            hint = did_you_mean(factor, compared) or f"; these are compared: {', '.join(compared)}"
            message = f"{factor} is not varied: no two configurations differ in it alone{hint}"
            reader.report(top["answer"].source, "answer.factors", message)


def _as_member(trial: Trial) -> Member:
    names = (trial.group, trial.configuration, trial.seed, trial.factors)
    result = Result(*names, True, 1, None, 1.0, 1.0, True, sampled=trial.sampled)
    settings = effective_settings(trial.config)
    settings.pop("seed", None)
    return Member(result, settings)


def _looks(reader: SettingsReader, seeds: LocatedValue) -> tuple[int, int]:
    keys = reader.read_keys(seeds, "seeds", ["first", "most"], SEEDS_EXAMPLE)
    numbers = []
    for name in ("first", "most"):
        located = keys.get(name)
        if located is None:
            reader.report(seeds.source, f"seeds.{name}", f"missing; write {SEEDS_EXAMPLE}")
            return 2, 2
        value = yaml_source.plain(located.value)
        if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= MAX_SEEDS:
            message = f"{short_repr(value)} is not allowed; write a whole number from 2 to {MAX_SEEDS}"
            reader.report(located.source, f"seeds.{name}", message)
            return 2, 2
        numbers.append(value)
    first, most = numbers
    if first > most:
        message = f"the first look ({first} seeds) is above the last one (most: {most}); write {SEEDS_EXAMPLE}"
        reader.report(keys["first"].source, "seeds.first", message)
        return 2, 2
    return first, most


def _budget(reader: SettingsReader, budget: LocatedValue | None) -> tuple[float | None, float | None]:
    """(hours of the clock, hours of all workers together)."""
    if budget is None:
        return None, None
    value = yaml_source.plain(budget.value)
    if (time := _hours(value)) is not None:
        value = {"hours": time}
    if not isinstance(value, dict) or not value or not set(value) <= {"hours", "worker_hours"}:
        reader.report(budget.source, "budget", f"{short_repr(value)} is not a budget; {BUDGET_EXAMPLE}")
        return None, None
    for name, hours in value.items():
        if not _is_between(hours, 0, MAX_HOURS):
            reader.report(budget.source, f"budget.{name}", f"{short_repr(hours)} {_wrong_hours(hours)}")
            return None, None
    return value.get("hours"), value.get("worker_hours")


def _hours(value: Any) -> float | None:
    """The hours of a time such as `2h`; None if it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([hms])", value.strip()) if isinstance(value, str) else None
    return float(match[1]) * UNITS[match[2]] if match else None


def with_time(budget: LocatedValue | None, time: LocatedValue) -> LocatedValue:
    """The `budget` of the file with another `time`, such as `2h`; it keeps its worker hours. Else `time` as it is."""
    hours, before = _hours(time.value), yaml_source.plain(budget.value) if budget else None
    if hours is None or not isinstance(before, dict) or "worker_hours" not in before:
        return time
    return LocatedValue({**before, "hours": hours}, time.source)


def _wrong_hours(hours: Any) -> str:
    """What is wrong with such a number of hours."""
    if isinstance(hours, str) or not isinstance(hours, int | float) or isinstance(hours, bool):
        return "is not a number of hours; write one above 0, without quotes"
    if hours <= 0:
        return "buys no training; write a number of hours above 0, or leave budget out"
    return f"is no limit; write a number of hours below {MAX_HOURS:,}, or leave budget out"


def _answer(reader: SettingsReader, answer: LocatedValue | None) -> tuple[tuple[str, ...], bool, float, float]:
    """(factors, whether the best is asked for, what is small of shares and of quality)."""
    plain = UntilAnswered(2, 2)
    if answer is None:
        return (), True, plain.same_stable, plain.same_quality
    example = "answer: {factors: [optimizer.lr]}"
    keys = reader.read_keys(answer, "answer", ["factors", "best", "same_within"], example)
    factors: tuple[str, ...] = ()
    if "factors" in keys:
        names = yaml_source.plain(keys["factors"].value)
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            reader.report(keys["factors"].source, "answer.factors", "a list of settings is needed, as [optimizer.lr]")
        else:
            factors = tuple(expand_shorthand(name) for name in names)
    best = yaml_source.plain(keys["best"].value) if "best" in keys else not factors
    if not isinstance(best, bool):
        reader.report(keys["best"].source, "answer.best", "write true or false")
        best = False
    same_stable, same_quality = plain.same_stable, plain.same_quality
    if "same_within" in keys:
        same = reader.read_keys(keys["same_within"], "answer.same_within", ["stable", "quality"], "{stable: 0.2}")
        same_stable = _margin(reader, same, "stable", same_stable)
        same_quality = _margin(reader, same, "quality", same_quality)
    return factors, best, same_stable, same_quality


def _margin(reader: SettingsReader, keys: Top, name: str, default: float) -> float:
    if name not in keys:
        return default
    value = yaml_source.plain(keys[name].value)
    if not _is_between(value, 0, 1):
        message = f"{short_repr(value)} is not allowed; write a number above 0 and below 1"
        reader.report(keys[name].source, f"answer.same_within.{name}", message)
        return default
    return float(value)


def _is_between(value: Any, low: float, high: float) -> bool:
    """Whether it is a number between these, which not even a number of 400 digits breaks."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value < high
