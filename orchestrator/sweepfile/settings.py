"""Reads settings of a sweep file: values with their source by dotted path. Collects everything that is wrong."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gan_core.config.elements import ELEMENTS
from gan_core.config.identity import setting_paths
from gan_core.config.stabilizer_sections import expand_shorthand
from orchestrator.errors import Problem, SpecError, did_you_mean
from orchestrator.sweepfile import advice, yaml_source
from orchestrator.sweepfile.yaml_source import LocatedValue

MAX_PROBLEMS = 20
SETTINGS = [path for path in setting_paths() if path != "seed"]
"""The settings that a sweep file may set; seeds are listed at its top."""

LocatedSettings = dict[str, LocatedValue]
"""Dotted path of a setting -> its value and where it is written."""


class SettingsReader:
    """Reads settings of one file and collects problems."""

    def __init__(self, file: str):
        self.file = file
        self.problems: dict[Problem, None] = {}
        self._not_sections: set[str] = set()
        """Paths of settings that were written as sections, and reported."""

    def report(self, source: str, path: str, message: str) -> None:
        """Adds a problem. Raises SpecError when there are MAX_PROBLEMS of them."""
        self.problems[Problem(source, path, message)] = None
        if len(self.problems) >= MAX_PROBLEMS:
            cut = Problem(self.file, "", f"these are the first {MAX_PROBLEMS} problems, there may be more")
            raise SpecError([*self.problems, cut])

    def raise_problems(self) -> None:
        """Raises SpecError if there are problems so far."""
        if self.problems:
            raise SpecError(list(self.problems))

    def report_unknown_keys(self, keys: dict[str, LocatedValue], known: list[str], prefix: str) -> None:
        """Reports each key that is not among `known`, with what was probably meant."""
        for key, located in keys.items():
            if key not in known:
                settings = [f"{prefix}trial.{setting}" for setting in SETTINGS]
                hint = did_you_mean(key, [*known, *settings]) or f"; known keys: {', '.join(known)}"
                if is_section(key):
                    hint = f", did you mean {prefix}trial.{key}?"
                self.report(located.source, f"{prefix}{key}", f"unknown key{hint}")

    def read_keys(self, located: LocatedValue, path: str, known: list[str], example: str) -> dict[str, LocatedValue]:
        """The known keys of a mapping that is not of settings; others are reported."""
        if not isinstance(located.value, dict):
            self.report(located.source, path, f"a mapping is needed, such as {example}")
            return {}
        items = list(yaml_source.items(located.value, self.file))
        if not items:  # of --set, which has no lines
            items = [(str(key), value, located.source) for key, value in located.value.items()]
        keys = {key: LocatedValue(value, source) for key, value, source in items}
        for key, value in keys.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"; known keys: {', '.join(known)}"
                self.report(value.source, f"{path}.{key}", f"unknown key{hint}")
        return {key: value for key, value in keys.items() if key in known}

    def check_setting(self, setting: str, source: str, path: str) -> bool:
        """Whether there is such a setting; reports it if not."""
        if setting in SETTINGS or setting in ELEMENTS:
            return True
        if setting == "seed":
            self.report(source, path, "seeds are listed once, at the top of the file, under `seeds:`")
        elif is_section(setting):
            inner = ", ".join(known for known in SETTINGS if known.startswith(f"{setting}."))
            self.report(source, path, f"is a section, not a setting; it has {inner}")
        else:
            self._report_unknown_setting(setting, source, path)
        return False

    def _report_unknown_setting(self, setting: str, source: str, path: str) -> None:
        """Several keys below one setting, such as `min` and `max`, are one mistake."""
        outer = next((known for known in SETTINGS if setting.startswith(f"{known}.")), None)
        if outer is None:
            self.report(source, path, f"unknown setting{advice.name_hint(setting)}")
        elif (place := path.removesuffix(setting.removeprefix(outer))) not in self._not_sections:
            self._not_sections.add(place)
            rule = advice.drawing_hint(outer, setting) or "write its value, or in a grid a list of its levels"
            self.report(source, path, f"{outer} has no settings of its own; {rule}")

    def read_settings(self, node: LocatedValue | None, path: str) -> LocatedSettings:
        """The settings below a mapping; unknown ones are reported and left out."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, CommentedMap):
            self.report(node.source, path, "a mapping of settings is needed")
            return {}
        settings: LocatedSettings = {}
        for written, located in yaml_source.leaves(node.value, self.file):
            if located.value in (None, {}) and is_section(written):
                continue
            setting = expand_shorthand(written)
            if self.check_setting(setting, located.source, f"{path}.{written}"):
                self._report_duplicate(setting, settings, located.source, f"{path}.{written}")
                settings[setting] = located
        return settings

    def read_settings_list(self, node: LocatedValue | None, path: str) -> list[LocatedSettings]:
        """The settings of every mapping in a list."""
        if node is None:
            return []
        if not isinstance(node.value, CommentedSeq) or not node.value:
            self.report(node.source, path, "a list of mappings is needed, such as `- optimizer.lr: 1e-3`")
            return []
        elements = yaml_source.elements(node.value, self.file, node.source)
        return [self.read_settings(element, f"{path}[{i}]") for i, element in enumerate(elements)]

    def _report_duplicate(self, setting: str, earlier: Container[str], source: str, path: str) -> None:
        if setting in earlier:
            self.report(source, path, f"{setting} is written twice here; keep one of them")

    def read_levels(
        self, node: LocatedValue | None, path: str, overrides: LocatedSettings
    ) -> dict[str, list[LocatedValue]]:
        """setting -> its levels, of a grid or a zip. Wrong levels are reported, and the list is then empty.

        `overrides`: levels from `--set`, which replace those of the file.
        """
        is_filled = isinstance(node.value, CommentedMap) and node.value if node else True
        if node and not is_filled and not (node.value is None and overrides):
            example = "such as `optimizer.lr: [1e-4, 1e-3]`"
            self.report(node.source, path, f"a mapping from settings to lists of levels is needed, {example}")
        levels: dict[str, list[LocatedValue]] = {}
        for key, value, source in _factor_items(node.value if node else None, self.file):
            setting = expand_shorthand(key)
            if self.check_setting(setting, source, f"{path}.{key}"):
                self._report_duplicate(setting, levels, source, f"{path}.{key}")
                levels[setting] = [] if setting in overrides else self._level_list(value, source, f"{path}.{key}")
        for setting, located in overrides.items():
            levels[setting] = self._level_list(located.value, located.source, "")
        return levels

    def _level_list(self, value: Any, source: str, path: str) -> list[LocatedValue]:
        if not isinstance(value, list) or not value:
            self.report(source, path, advice.levels_hint(yaml_source.plain(value)))
            return []
        elements = yaml_source.elements(value, self.file, source)
        return [LocatedValue(yaml_source.plain(element.value), element.source) for element in elements]


def is_section(path: str) -> bool:
    """Whether settings lie below this path."""
    return any(known.startswith(f"{path}.") for known in SETTINGS)


def _factor_items(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted path, list of levels, source) of each factor. Factors may be nested or dotted."""
    for key, value, source in yaml_source.items(node, file):
        if isinstance(value, CommentedMap) and value:
            yield from _factor_items(value, file, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, source


def setting_of_location(location: tuple[int | str, ...]) -> str:
    """The path of the setting at a location in pydantic's errors, without indices and names of validators."""
    path = ""
    for part in location:
        longer = f"{path}.{part}" if path else str(part)
        if longer in SETTINGS or is_section(longer):
            path = longer
    return path


def source_of(path: str, sources: Mapping[str, str]) -> str | None:
    """Where the setting is written, or else a setting below it or above it. `sources`: path -> file and line."""
    if path in sources:
        return sources[path]
    below = [source for other, source in sources.items() if other.startswith(f"{path}.")]
    above = [source for other, source in sources.items() if path.startswith(f"{other}.")]
    return next(iter(below + above), None)


def sources_of(settings: LocatedSettings) -> dict[str, str]:
    """Path of each setting -> where it is written."""
    return {path: located.source for path, located in settings.items()}
