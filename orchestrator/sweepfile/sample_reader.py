"""Reads the `sample:` of a group: which space points are drawn from, how many, and how."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from gan_core.config.elements import ELEMENTS
from gan_core.config.stabilizer_sections import expand_shorthand
from orchestrator.errors import did_you_mean, short_repr
from orchestrator.space import Dimension, Space
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.dimension_reader import WrongDimension, dimension, kind_called
from orchestrator.sweepfile.sample import KEYS, METHODS, Sample
from orchestrator.sweepfile.settings import SETTINGS, LocatedSettings, SettingsReader, is_section
from orchestrator.sweepfile.yaml_source import LocatedValue

MAX_COUNT = 20_000
"""Of points: as many as a sweep may have trials."""
MAX_SEED = 2**31
FIXED = "in its `trial:`"
"""Where a group has a setting that all its trials share."""
EXAMPLE = "`count: 64` and `optimizer.lr: {log_uniform: [1e-5, 1e-1]}`"


def read_sample(
    reader: SettingsReader,
    node: LocatedValue | None,
    path: str,
    overrides: LocatedSettings,
    taken: dict[str, str],
    chosen: int | None = None,
) -> Sample | None:
    """The sample of a group; None without one, or if it is wrong, which is reported.

    overrides: from `--set`, for keys and dimensions. taken: setting that cannot be drawn -> where the group has it.
    chosen: how many trials a map or a search chooses from the space, which then has neither count nor method.
    """
    if node is None and not overrides:
        return None
    if node is not None and node.value is not None and not isinstance(node.value, dict):
        reader.report(node.source, path, f"a mapping is needed, with {EXAMPLE}")
        return None
    source = node.source if node else next(iter(overrides.values())).source
    before = len(reader.problems)
    written: dict[str, LocatedValue] = {}
    for name, located in _items(node.value if node else None, reader.file):
        if name in written:
            reader.report(located.source, f"{path}.{name}", f"{name} is written twice here; keep one of them")
        written[name] = located
    written |= {expand_shorthand(name) if name not in KEYS else name: located for name, located in overrides.items()}
    sources: dict[str, str] = {}
    dimensions = []
    for name, located in written.items():
        if name not in KEYS:
            found = _dimension(reader, name, located, path, taken)
            dimensions += [found] if found else []
            sources |= {found.path: located.source} if found else {}
    if chosen is not None:
        for key in sorted(written.keys() & {"count", "method"}):
            message = "a map or a search chooses the points itself, as many as its `trials`: leave it out"
            reader.report(written.pop(key).source, f"{path}.{key}", message)
        written["count"] = LocatedValue(chosen, source)
    numbers = {key: _whole(reader, written.get(key), source, f"{path}.{key}") for key in ("count", "seed")}
    method = yaml_source.plain(written["method"].value) if "method" in written else METHODS[0]
    if method not in METHODS:
        hint = did_you_mean(str(method).replace("-", "_"), list(METHODS)) or f"; write {', '.join(METHODS)}"
        reader.report(written["method"].source, f"{path}.method", f"{short_repr(method)} is not known{hint}")
    if not dimensions and len(reader.problems) == before:
        reader.report(source, path, "draws no setting; add one, such as `optimizer.lr: {log_uniform: [1e-5, 1e-1]}`")
    if len(reader.problems) > before:
        return None
    sample = Sample(Space(tuple(dimensions)), numbers["count"], method, numbers["seed"], sources)
    return sample if chosen is not None or _fits(reader, sample, written["count"].source, f"{path}.count") else None


def _items(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, LocatedValue]]:
    """(key, or dotted path of a setting; what is written there). Settings may be nested or dotted."""
    for key, value, source in yaml_source.items(node, file):
        name = f"{prefix}{key}"
        if isinstance(value, dict) and is_section(name) and not any(map(kind_called, value)):
            yield from _items(value, file, f"{name}.")
        else:
            yield name if name in KEYS else expand_shorthand(name), LocatedValue(value, source)


def _dimension(
    reader: SettingsReader, name: str, located: LocatedValue, path: str, taken: dict[str, str]
) -> Dimension | None:
    place = "" if located.source.startswith("--set") else f"{path}.{name}"
    if name not in SETTINGS and "." not in name and (twin := did_you_mean(name, list(KEYS))):
        reader.report(located.source, place, f"unknown key{twin}")
        return None
    if not reader.check_setting(name, located.source, place):
        return None
    for other in (name, *_parts_and_wholes(name, taken)):
        if other in taken:
            reader.report(located.source, place, f"the group has {other} {taken[other]} as well; keep one of them")
            return None
    taken[name] = "in its sample"
    try:
        return dimension(name, yaml_source.plain(located.value))
    except WrongDimension as error:
        reader.report(located.source, place, str(error))
        return None


def _parts_and_wholes(name: str, taken: dict[str, str]) -> list[str]:
    """The elements of a list, or the list of an element, unless that is fixed: it then has the other element."""
    if name in ELEMENTS:
        whole = ELEMENTS[name][0]
        return [] if taken.get(whole) == FIXED else [whole]
    return [element for element, (whole, _) in ELEMENTS.items() if whole == name]


def _whole(reader: SettingsReader, located: LocatedValue | None, source: str, path: str) -> int:
    """The number of points, or the seed, which is 0 unless it is written."""
    is_count = path.endswith("count")
    if located is None:
        if is_count:
            reader.report(source, path, "missing; write how many points are drawn, such as `count: 64`")
        return 0
    value, least, most = yaml_source.plain(located.value), int(is_count), MAX_COUNT if is_count else MAX_SEED - 1
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        message = f"{short_repr(value)} is not allowed; write a whole number from {least} to {most:,}"
        reader.report(located.source, "" if located.source.startswith("--set") else path, message)
        return 0
    return value


def _fits(reader: SettingsReader, sample: Sample, source: str, path: str) -> bool:
    size = sample.space.size
    if size is not None and sample.count > size:
        message = (
            f"{sample.count:,} points of a space that holds {size:,}; write `count: {size}`, or a grid of them all"
        )
        reader.report(source, path, message)
        return False
    return True


def sample_cautions(name: str, sample: Sample, excluded: Collection[int]) -> list[str]:
    """Of a group: that it has fewer points than were asked for."""
    lines = []
    if (equal := sample.count - len(sample.points)) > 0:
        lines.append(
            f"group {name}: {equal} of {sample.count} drawn points equal an earlier one and are trained once: "
            f"{len(sample.points)} are different"
        )
    if excluded:
        lines.append(f"group {name}: `exclude` leaves out {len(excluded)} of {len(sample.points)} points altogether")
    return lines
