"""Reads the groups of a sweep file."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.grid import Group
from orchestrator.sweepfile.overrides import Overrides
from orchestrator.sweepfile.sample_reader import FIXED, read_sample
from orchestrator.sweepfile.settings import LocatedSettings, SettingsReader
from orchestrator.sweepfile.yaml_source import LocatedValue

GROUP_KEYS = ["name", "trial", "grid", "zip", "sample", "exclude", "trials"]

Levels = dict[str, list[LocatedValue]]
"""Path of a swept setting -> its levels."""


def read_groups(
    reader: SettingsReader, groups: LocatedValue | None, overrides: Overrides, chosen: int | None = None
) -> Iterator[Group]:
    """The groups under the key `groups`, with the overrides of `--set`. Mistakes are reported to `reader`.

    chosen: how many trials a map or a search chooses.
    """
    if groups is None or not isinstance(groups.value, CommentedSeq) or not groups.value:
        source = groups.source if groups else f"{reader.file}:1"
        reader.report(source, "groups", "a list with at least one group is needed: `- name: ...` with a grid")
        return
    names: set[str] = set()
    for number, element in enumerate(yaml_source.elements(groups.value, reader.file, groups.source)):
        path = f"groups[{number}]"
        if not isinstance(element.value, CommentedMap):
            reader.report(element.source, path, "a group is a mapping with keys name, trial, grid, ...")
            continue
        keys = {
            key: LocatedValue(value, source) for key, value, source in yaml_source.items(element.value, reader.file)
        }
        reader.report_unknown_keys(keys, GROUP_KEYS, f"{path}.")
        given = keys.get("name", LocatedValue(None, element.source))
        name = str(given.value).strip() if isinstance(given.value, str | int | float) else ""
        if not name or not name.isprintable():
            reader.report(given.source, f"{path}.name", "every group needs a name: text on one line")
        elif name in names:
            reader.report(given.source, f"{path}.name", f"two groups are called {name!r}")
        names.add(name)
        yield _read_group(reader, name, path, element.source, keys, overrides, chosen)


def _read_group(
    reader: SettingsReader,
    name: str,
    path: str,
    source: str,
    keys: dict[str, LocatedValue],
    overrides: Overrides,
    chosen: int | None,
) -> Group:
    grid = reader.read_levels(keys.get("grid"), f"{path}.grid", overrides.of_group(name, "grid"))
    zipped = reader.read_levels(keys.get("zip"), f"{path}.zip", overrides.of_group(name, "zip"))
    settings = reader.read_settings(keys.get("trial"), f"{path}.trial")
    taken = dict.fromkeys(settings, FIXED) | dict.fromkeys(grid, "in its grid") | dict.fromkeys(zipped, "in its zip")
    sample = read_sample(
        reader, keys.get("sample"), f"{path}.sample", overrides.of_group(name, "sample"), taken, chosen
    )
    written = {*grid, *zipped, *(sample.space.paths if sample else ())}
    is_wrong_sample = sample is None and "sample" in keys
    for setting in grid.keys() & zipped.keys():
        first = next(iter(zipped[setting]), keys.get("zip"))
        reader.report(first.source if first else source, f"{path}.zip.{setting}", "is in the grid as well")
        del grid[setting]
    lengths = sorted({len(levels) for levels in zipped.values() if levels})
    if len(lengths) > 1:
        zip_source = keys["zip"].source if "zip" in keys else source
        reader.report(zip_source, f"{path}.zip", f"lists of different lengths ({lengths}) cannot be zipped")
        zipped = {}
    grid = {setting: levels for setting, levels in grid.items() if levels}
    zipped = {setting: levels for setting, levels in zipped.items() if levels}
    exclude = [
        settings
        for settings in _read_exclude(
            reader, keys.get("exclude"), f"{path}.exclude", None if is_wrong_sample else written
        )
        if settings and settings.keys() <= {*grid, *zipped, *(sample.space.paths if sample else ())}
    ]
    listed = reader.read_settings_list(keys.get("trials"), f"{path}.trials")
    return Group(name, path, source, settings, grid, zipped, exclude, listed, sample)


def _read_exclude(
    reader: SettingsReader, exclude: LocatedValue | None, path: str, swept: set[str] | None
) -> list[LocatedSettings]:
    """The combinations to leave out; reports those that are empty and settings that are not swept.

    swept: None if that is not known, since the sample is wrong.
    """
    combinations = reader.read_settings_list(exclude, path)
    for number, settings in enumerate(combinations):
        if exclude and not settings and exclude.value[number] in (None, {}):
            reader.report(exclude.source, f"{path}[{number}]", "is empty; give the levels to leave out")
        for setting, located in settings.items():
            if swept is not None and setting not in swept:
                message = "is neither in the grid nor in the zip, nor in the sample"
                reader.report(located.source, f"{path}[{number}].{setting}", message)
    return combinations
