"""Settings as a sweep file writes them: located values by dotted path, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gan_core.config.identity import setting_paths
from gan_core.config.sections import expand_shorthand
from orchestrator.errors import Problem, SpecError, did_you_mean
from orchestrator.formatting import SHORT_NAMES
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.yaml_source import Located

MAX_PROBLEMS = 20
SETTINGS = [path for path in setting_paths() if path != "seed"]
ALSO_CALLED = {"learning_rate": "optimizer.lr"} | {short: path for path, short in SHORT_NAMES.items()}

Layer = dict[str, Located]
"""Settings by dotted path; a later layer overrides an earlier one."""


class SettingsReader:
    """Reads settings of one file, collecting problems."""

    def __init__(self, file: str):
        self.file = file
        self.problems: dict[Problem, None] = {}

    def say(self, source: str, path: str, message: str) -> None:
        """Keeps a problem. Raises SpecError when there are too many to read."""
        self.problems[Problem(source, path, message)] = None
        if len(self.problems) >= MAX_PROBLEMS:
            cut = Problem(self.file, "", f"these are the first {MAX_PROBLEMS} problems, there may be more")
            raise SpecError([*self.problems, cut])

    def stop(self) -> None:
        """Raises SpecError if anything was wrong so far."""
        if self.problems:
            raise SpecError(list(self.problems))

    def refuse_unknown(self, found: dict[str, Located], known: list[str], prefix: str) -> None:
        for key, located in found.items():
            if key not in known:
                settings = [f"{prefix}trial.{setting}" for setting in SETTINGS]
                hint = did_you_mean(key, [*known, *settings]) or f"; known keys: {', '.join(known)}"
                if is_section(key):
                    hint = f", did you mean {prefix}trial.{key}?"
                self.say(located.source, f"{prefix}{key}", f"unknown key{hint}")

    def check_path(self, setting: str, source: str, path: str) -> bool:
        """Whether there is such a setting; says so if not."""
        if setting in SETTINGS:
            return True
        if setting == "seed":
            self.say(source, path, "seeds are listed once, at the top of the file, under `seeds:`")
        elif is_section(setting):
            inner = ", ".join(known for known in SETTINGS if known.startswith(f"{setting}."))
            self.say(source, path, f"is a section, not a setting; it has {inner}")
        else:
            called = ALSO_CALLED.get(setting.rsplit(".", 1)[-1])
            hint = f", did you mean {called}?" if called else did_you_mean(setting, SETTINGS)
            self.say(source, path, f"unknown setting{hint}")
        return False

    def layer(self, node: Located | None, path: str) -> Layer:
        """The settings below a mapping; unknown ones are reported."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, CommentedMap):
            self.say(node.source, path, "a mapping of settings is needed")
            return {}
        layer: Layer = {}
        for written, located in yaml_source.leaves(node.value, self.file):
            if located.value in (None, {}) and is_section(written):
                continue
            setting = expand_shorthand(written)
            if self.check_path(setting, located.source, f"{path}.{written}"):
                self._refuse_twice(setting, layer, located.source, f"{path}.{written}")
                layer[setting] = located
        return layer

    def layers(self, node: Located | None, path: str) -> list[Layer]:
        """The settings of every mapping of a list."""
        if node is None:
            return []
        if not isinstance(node.value, CommentedSeq) or not node.value:
            self.say(node.source, path, "a list of mappings is needed, such as `- optimizer.lr: 1e-3`")
            return []
        found = yaml_source.elements(node.value, self.file, node.source)
        return [self.layer(element, f"{path}[{i}]") for i, element in enumerate(found)]

    def _refuse_twice(self, setting: str, found: Layer | dict[str, list[Located]], source: str, path: str) -> None:
        if setting in found:
            self.say(source, path, f"{setting} is written twice here; keep one of them")

    def levels(self, node: Located | None, path: str, overrides: Layer) -> dict[str, list[Located]]:
        """setting -> its levels, of a grid or a zip; no levels where they are wrong, which is reported."""
        filled = isinstance(node.value, CommentedMap) and node.value if node else True
        if node and not filled and not (node.value is None and overrides):
            such_as = "such as `optimizer.lr: [1e-4, 1e-3]`"
            self.say(node.source, path, f"a mapping from settings to lists of levels is needed, {such_as}")
        found: dict[str, list[Located]] = {}
        for key, value, source in _factor_items(node.value if node else None, self.file):
            setting = expand_shorthand(key)
            if self.check_path(setting, source, f"{path}.{key}"):
                self._refuse_twice(setting, found, source, f"{path}.{key}")
                found[setting] = [] if setting in overrides else self._level_list(value, source, f"{path}.{key}")
        for setting, located in overrides.items():
            found[setting] = self._level_list(located.value, located.source, "")
        return found

    def _level_list(self, value: Any, source: str, path: str) -> list[Located]:
        if not isinstance(value, list) or not value:
            self.say(source, path, "a list with at least one level is needed, such as [1e-4, 1e-3]")
            return []
        return [Located(yaml_source.plain(e.value), e.source) for e in yaml_source.elements(value, self.file, source)]


def is_section(path: str) -> bool:
    """Whether settings lie below this path."""
    return any(known.startswith(f"{path}.") for known in SETTINGS)


def _factor_items(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted path, list of levels, source); a grid may be nested as well as dotted."""
    for key, value, source in yaml_source.items(node, file):
        if isinstance(value, CommentedMap) and value:
            yield from _factor_items(value, file, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, source


def setting_at_fault(location: tuple[int | str, ...]) -> str:
    """pydantic's location -> the setting's path, without indices and names of validators."""
    path = ""
    for part in location:
        longer = f"{path}.{part}" if path else str(part)
        if longer in SETTINGS or is_section(longer):
            path = longer
    return path


def source_of(path: str, layer: Layer | dict[str, str]) -> str | None:
    """Where `path` was written, or else something below it or above it."""

    def text(found: Located | str) -> str:
        return found if isinstance(found, str) else found.source

    if path in layer:
        return text(layer[path])
    related = [text(found) for other, found in layer.items() if other.startswith(f"{path}.")]
    above = [text(found) for other, found in layer.items() if path.startswith(f"{other}.")]
    return next(iter(related + above), None)
