"""Reads `map:` and `search:`, of a sweep that chooses its trials one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from gan_core.config.stabilizer_sections import expand_shorthand
from orchestrator.errors import did_you_mean, short_repr
from orchestrator.space import Choice
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.grid import Group
from orchestrator.sweepfile.model import MAX_CHOSEN, Search, SharedSettings, StabilityMap, Sweep
from orchestrator.sweepfile.settings import LocatedSettings, SettingsReader, sources_of
from orchestrator.sweepfile.yaml_source import LocatedValue

MAP, SEARCH = "map", "search"
KEYS = (MAP, SEARCH)
KNOWN = {MAP: ["over", "trials"], SEARCH: ["trials", "require", "schedule"]}
EXAMPLES = {
    MAP: "map: {over: [optimizer.lr, loss.gradient_penalty], trials: 80}",
    SEARCH: "search: {trials: 60, require: {stable: 0.9}}",
}
MIN_TRIALS = 8
"""Fewer are hardly more than the points from which a choice can start."""
REASONS = {
    MAP: "to choose one of more would take minutes",
    SEARCH: "to choose one of more would take longer and longer",
}
"""Why there is a most of trials."""
DIMENSIONS = {MAP: (2, 4), SEARCH: (1, 8)}
"""How many settings a space may have: a map is looked at in slices; a search of dozens of trials knows no more."""
SAMPLE = "`sample:` with a range for each setting, such as `optimizer.lr: {log_uniform: [1e-5, 1e-1]}`"
MEASURED = ("data.", "evaluation.")
"""What trials must share to be measured alike."""
COURSE = ("steps", "log_every", "checkpoint_every")
"""What they share as well: whether a run is stable is asked for the given steps, and seen in what it logs."""

Top = dict[str, LocatedValue]


def read_explores(reader: SettingsReader, top: Top, overrides: LocatedSettings) -> StabilityMap | Search | None:
    """What the keys at the top of the file say; None without one. Mistakes are reported to `reader`.

    overrides: of `--set`, such as `map.trials`. A map without `over` is over what is drawn, see `check_group`.
    """
    written = {key: top[key] for key in KEYS if key in top}
    for path, located in overrides.items():
        written.setdefault(path.partition(".")[0], LocatedValue({}, located.source))
    if not written:
        return None
    if len(written) > 1:
        reader.report(written[SEARCH].source, SEARCH, "a sweep either maps or searches: leave `map` or `search` out")
    key, node = next(iter(written.items()))
    _report_companions(reader, top, key)
    keys = reader.read_keys(node, key, KNOWN[key], EXAMPLES[key])
    for path, located in overrides.items():
        own, _, rest = path.partition(".")
        if own == key:
            keys[rest] = located
    if key == MAP:
        return StabilityMap(_over(reader, keys.get("over")), _trials(reader, keys.get("trials"), node, key))
    trials = _trials(reader, keys.get("trials"), node, key)
    return Search(trials, _stable(reader, keys), _schedule(reader, keys.get("schedule")))


def _report_companions(reader: SettingsReader, top: Top, key: str) -> None:
    if "until" in top:
        message = f"a {key} chooses its trials itself: leave `until`, or `{key}`, out"
        reader.report(top["until"].source, "until", message)
    for other in ("budget", "answer"):
        if other in top:
            reader.report(top[other].source, other, f"belongs to `until: answered`; a {key} has none: leave it out")
    if "seeds" in top:
        message = f"in a {key}, trial number n (from 0) has seed n: leave seeds out"
        reader.report(top["seeds"].source, "seeds", message)


def _trials(reader: SettingsReader, located: LocatedValue | None, node: LocatedValue, key: str) -> int:
    if located is None:
        if not isinstance(node.value, dict):
            return MIN_TRIALS  # reported
        reader.report(node.source, f"{key}.trials", f"missing; write how many trials it takes, as {EXAMPLES[key]}")
        return MIN_TRIALS
    value = yaml_source.plain(located.value)
    if not isinstance(value, int) or isinstance(value, bool) or not MIN_TRIALS <= value <= MAX_CHOSEN[key]:
        message = f"{short_repr(value)} is not allowed; write a whole number from {MIN_TRIALS} to {MAX_CHOSEN[key]:,}"
        if isinstance(value, int) and value > MAX_CHOSEN[key]:
            message += f": {REASONS[key]}"
        reader.report(located.source, _place(located, f"{key}.trials"), message)
        return MIN_TRIALS
    return value


def _over(reader: SettingsReader, located: LocatedValue | None) -> tuple[str, ...]:
    """() if it is left out, or wrong."""
    if located is None:
        return ()
    names = yaml_source.plain(located.value)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        message = "a list of settings is needed, as [optimizer.lr, loss.gradient_penalty]; or leave it out"
        reader.report(located.source, _place(located, "map.over"), message)
        return ()
    over = tuple(expand_shorthand(name) for name in names)
    for name in dict.fromkeys(over):
        if over.count(name) > 1:
            reader.report(located.source, _place(located, "map.over"), f"{name} is written twice; keep one of them")
    return over


def _stable(reader: SettingsReader, keys: Top) -> float:
    located = keys.get("require.stable")
    if located is None and "require" in keys:
        path, example = f"{SEARCH}.require", "{stable: 0.9}"
        located = reader.read_keys(keys["require"], path, ["stable"], example).get("stable")
    if located is None:
        return Search.stable
    value = yaml_source.plain(located.value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
        message = f"{short_repr(value)} is not allowed; write the share of stable runs, a number above 0 and below 1"
        reader.report(located.source, _place(located, f"{SEARCH}.require.stable"), message)
        return Search.stable
    return float(value)


def _schedule(reader: SettingsReader, located: LocatedValue | None) -> Literal["", "asha"]:
    if located is None:
        return ""
    value = yaml_source.plain(located.value)
    if value != "asha":
        message = f"{short_repr(value)} is not allowed; write schedule: asha, or leave it out: then every trial ends"
        reader.report(located.source, _place(located, f"{SEARCH}.schedule"), message)
        return ""
    return "asha"


def check_group(
    reader: SettingsReader,
    top: Top,
    overrides: LocatedSettings,
    explores: StabilityMap | Search,
    groups: list[Group],
) -> StabilityMap | Search:
    """Reports what a map or a search cannot have in its groups; returns it with the settings that it is over."""
    key = MAP if isinstance(explores, StabilityMap) else SEARCH
    if len(groups) != 1:
        reader.report(
            groups[1].source, "groups", f"a {key} has one group with a `sample:`; give the others sweeps of their own"
        )
        return explores
    (group,) = groups
    for name, content in _beside(group):
        if content:
            message = f"a {key} chooses from the `sample:` alone: leave {name} out, or draw its settings"
            reader.report(group.source, f"{group.path}.{name}", message)
    if group.sample is None:
        reader.report(
            group.source, f"{group.path}.sample", f"missing; a {key} chooses its trials from one: write {SAMPLE}"
        )
        return explores
    space = group.sample.space
    for dimension in space.dimensions:
        source = group.sample.sources[dimension.path]
        place = _place(LocatedValue(None, source), f"{group.path}.sample.{dimension.path}")
        if dimension.path.startswith(MEASURED) or dimension.path in COURSE:
            needed = "steps" if dimension.path in COURSE else "images and measures"
            message = f"the trials of a {key} are compared, so they need the same {needed}: move it to `trial:`"
            reader.report(source, place, message)
        if key == MAP and isinstance(dimension, Choice):
            message = (
                "a map has no boundary between the levels of a choice; write a range or integers, or take a search"
            )
            reader.report(source, place, message)
    least, most = DIMENSIONS[key]
    if not least <= len(space.paths) <= most:
        drawn = f"{len(space.paths)} setting{'s' * (len(space.paths) > 1)} drawn"
        reader.report(group.source, f"{group.path}.sample", f"{drawn}; a {key} takes {least} to {most}")
    if isinstance(explores, Search):
        return explores
    over = explores.over or space.paths
    located = overrides.get("map.over") or top.get(MAP) or LocatedValue(None, group.source)
    left = [path for path in space.paths if path not in over]
    messages = [f"{' and '.join(left)} of the `sample:` is missing here; name all that is drawn, or leave `over` out"]
    if unknown := [name for name in over if name not in space.paths]:
        hints = [did_you_mean(name, left) or f"; drawn are {', '.join(space.paths)}" for name in unknown]
        where = f"is not drawn in the `sample:` of group {group.name}"
        messages = [f"{name} {where}{hint}" for name, hint in zip(unknown, hints, strict=True)]
    for message in messages if left or unknown else []:
        reader.report(located.source, _place(located, "map.over"), message)
    return StabilityMap(tuple(over), explores.trials)


def as_explored(sweep: Sweep, explores: StabilityMap | Search, group: Group, settings: LocatedSettings) -> Sweep:
    """The sweep that chooses its trials, of one with the first of its space. settings: those that all of them share."""
    assert group.sample
    shared = SharedSettings(
        group.name,
        {path: located.value for path, located in settings.items()},
        {**sources_of(settings), **group.sample.sources},
    )
    return replace(sweep, seeds=[], trials=[], explores=explores, shared=shared)


def _beside(group: Group) -> Iterator[tuple[str, object]]:
    """(name of the key, what is in it) of what a group may have beside its sample."""
    yield "grid", group.grid
    yield "zip", group.zipped
    yield "trials", group.listed
    yield "exclude", group.exclude


def _place(located: LocatedValue, path: str) -> str:
    """Where it is, if its source does not say so."""
    return "" if located.source.startswith("--set") else path
