"""A sweep file -> a `Sweep`: its question and every trial that it asks for. All errors are found at once."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gan_core.config import (
    Conflict,
    TrialConfig,
    cautions,
    effective_settings,
    expand_shorthand,
    setting_paths,
    unflatten,
)
from orchestrator import document
from orchestrator.document import Located
from orchestrator.errors import Problem, SpecError, UserError, nearest
from orchestrator.naming import configuration_name

MOST_TRIALS = 1_000_000
MOST_PROBLEMS = 20
SETTINGS = [path for path in setting_paths() if path != "seed"]
SWEEP_KEYS = ["sweep", "question", "seeds", "trial", "groups"]
GROUP_KEYS = ["name", "trial", "grid", "zip", "exclude", "trials"]
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Layer = dict[str, Located]
"""Settings by dotted path; a later layer overrides an earlier one."""


@dataclass(frozen=True)
class Trial:
    """One configuration with one seed. `factors`: the swept settings and this trial's levels of them."""

    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    config: TrialConfig
    sources: dict[str, str] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.configuration} seed={self.seed}"


@dataclass(frozen=True)
class Sweep:
    name: str
    question: str
    seeds: list[int]
    trials: list[Trial]
    cautions: list[str]
    file: str


def load(file: Path, overrides: list[str] | None = None) -> Sweep:
    """The sweep that `file` describes, with `--set` overrides ("path=value"). Raises UserError or SpecError."""
    tree = document.read(file)
    return _Reader(str(file)).read(tree, _parse_overrides(overrides or []))


def _parse_overrides(overrides: list[str]) -> list[tuple[str, Any]]:
    parsed = []
    for text in overrides:
        path, separator, value = text.partition("=")
        if not separator or not path.strip():
            raise UserError(f"--set {text}: write path=value, such as --set trial.optimizer.lr=1e-3")
        parsed.append((path.strip(), document.parse_value(value)))
    return parsed


class _Reader:
    """Reads one file, collecting problems."""

    def __init__(self, file: str):
        self.file = file
        self.problems: dict[tuple[str, str], Problem] = {}
        self.cautions: dict[str, set[str]] = {}

    def say(self, source: str, path: str, message: str) -> None:
        self.problems.setdefault((source, path), Problem(source, path, message))
        if len(self.problems) >= MOST_PROBLEMS:
            self.stop()

    def stop(self) -> None:
        if self.problems:
            raise SpecError(list(self.problems.values()))

    def read(self, tree: CommentedMap, overrides: list[tuple[str, Any]]) -> Sweep:
        winning = self._override(tree, overrides)
        top = {key: Located(value, source) for key, value, source in document.items(tree, self.file)}
        self._refuse_unknown(top, SWEEP_KEYS, "")
        name = self._name(top)
        seeds = self._seeds(top)
        shared = self._layer(top.get("trial"), "trial")
        groups = list(self._groups(top))
        count = sum(group.count() for group in groups) * max(1, len(seeds))
        if count > MOST_TRIALS:
            self.say(groups[0].source, "groups", f"{count:,} trials; at most {MOST_TRIALS:,} can be run")
        self.stop()
        trials = [
            trial for group in groups for trial in self._trials(group, {**shared, **group.layer, **winning}, seeds)
        ]
        self._refuse_duplicates(trials)
        self.stop()
        question = top.get("question")
        return Sweep(
            name,
            str(question.value).strip() if question else f"How stable are the settings of {name}?",
            seeds,
            trials,
            [f"{text} ({', '.join(sorted(names))})" for text, names in self.cautions.items()],
            self.file,
        )

    # Top of the file

    def _override(self, tree: CommentedMap, overrides: list[tuple[str, Any]]) -> Layer:
        """Applies --set to the tree; what is set under `trial` wins over every group and is returned."""
        winning: Layer = {}
        for path, value in overrides:
            source = f"--set {path}"
            root, _, rest = path.partition(".")
            if root == "trial" and rest:
                setting = expand_shorthand(rest)
                self._check_path(setting, source, path)
                winning[setting] = Located(document.plain(value), source)
            elif root in ("sweep", "question", "seeds") and not rest:
                tree[root] = value
            elif root == "groups" and rest:
                self._override_group(tree, rest, value, source)
            else:
                known = ["trial.<setting>", "seeds", "sweep", "question", "groups.<name>.grid.<setting>"]
                self.say(source, "", f"nothing to set there; possible: {', '.join(known)}")
        return winning

    def _override_group(self, tree: CommentedMap, rest: str, value: Any, source: str) -> None:
        groups = tree.get("groups")
        found = [group for group in groups if isinstance(group, CommentedMap)] if isinstance(groups, list) else []
        for group in found:
            name = str(group.get("name"))
            if rest.startswith(f"{name}."):
                section, _, path = rest[len(name) + 1 :].partition(".")
                if section in ("trial", "grid", "zip") and path:
                    target = group.setdefault(section, CommentedMap())
                    for written in [key for key in target if expand_shorthand(str(key)) == expand_shorthand(path)]:
                        del target[written]
                    target[path] = value
                    return
        names = ", ".join(str(group.get("name")) for group in found)
        self.say(source, "", f"write groups.<name>.grid.<setting> or groups.<name>.trial.<setting>; groups: {names}")

    def _name(self, top: dict[str, Located]) -> str:
        if "sweep" not in top:
            self.say(f"{self.file}:1", "sweep", "missing; give the sweep a name, such as `sweep: stability`")
            return ""
        name, source = top["sweep"].value, top["sweep"].source
        if not isinstance(name, str) or not SAFE_NAME.fullmatch(name) or ".." in name:
            self.say(source, "sweep", f"{name!r} is not a safe folder name; use letters, digits, '-', '_' and '.'")
        return str(name)

    def _seeds(self, top: dict[str, Located]) -> list[int]:
        if "seeds" not in top:
            return [0]
        value, source = document.plain(top["seeds"].value), top["seeds"].source
        whole = isinstance(value, list) and all(isinstance(s, int) and not isinstance(s, bool) for s in value)
        if not whole or not value or min(value) < 0 or max(value) >= 2**31:
            self.say(source, "seeds", "a list of whole numbers from 0 is needed, such as [0, 1, 2]")
            return [0]
        if len(set(value)) < len(value):
            self.say(source, "seeds", "a seed is listed twice; it would repeat the same trial")
        return value

    def _groups(self, top: dict[str, Located]) -> Iterator[_Group]:
        found = top.get("groups")
        if found is None or not isinstance(found.value, CommentedSeq) or not found.value:
            source = found.source if found else f"{self.file}:1"
            self.say(source, "groups", "a list with at least one group is needed: `- name: ...` with a grid")
            return
        names: set[str] = set()
        for number, element in enumerate(document.elements(found.value, self.file, found.source)):
            path = f"groups[{number}]"
            if not isinstance(element.value, CommentedMap):
                self.say(element.source, path, "a group is a mapping with keys name, trial, grid, ...")
                continue
            parts = {key: Located(value, source) for key, value, source in document.items(element.value, self.file)}
            self._refuse_unknown(parts, GROUP_KEYS, f"{path}.")
            name = str(parts["name"].value).strip() if "name" in parts else ""
            if not name:
                self.say(element.source, f"{path}.name", "missing; every group needs a name")
            if name in names:
                self.say(parts["name"].source, f"{path}.name", f"two groups are called {name!r}")
            names.add(name)
            yield self._group(name, path, element.source, parts)

    def _group(self, name: str, path: str, source: str, parts: dict[str, Located]) -> _Group:
        grid = self._levels(parts.get("grid"), f"{path}.grid")
        zipped = self._levels(parts.get("zip"), f"{path}.zip")
        lengths = {len(levels) for levels in zipped.values()}
        if len(lengths) > 1:
            message = f"lists of different lengths ({sorted(lengths)}) cannot be zipped"
            self.say(parts["zip"].source, f"{path}.zip", message)
            zipped = {}
        for setting in set(grid) & set(zipped):
            self.say(parts["zip"].source, f"{path}.zip.{setting}", "is in the grid as well")
        by_hand = [layer for layer in self._layers(parts.get("trials"), f"{path}.trials") if layer]
        exclude = [layer for layer in self._layers(parts.get("exclude"), f"{path}.exclude") if layer]
        for layer in exclude:
            for setting, located in layer.items():
                if setting not in grid and setting not in zipped:
                    self.say(located.source, f"{path}.exclude.{setting}", "is neither in the grid nor in the zip")
        return _Group(
            name, path, source, self._layer(parts.get("trial"), f"{path}.trial"), grid, zipped, exclude, by_hand
        )

    # Settings

    def _refuse_unknown(self, found: dict[str, Located], known: list[str], prefix: str) -> None:
        for key, located in found.items():
            if key not in known:
                hint = nearest(key, known) or f"; known keys: {', '.join(known)}"
                self.say(located.source, f"{prefix}{key}", f"unknown key{hint}")

    def _check_path(self, setting: str, source: str, path: str) -> bool:
        if setting in SETTINGS:
            return True
        if setting == "seed":
            self.say(source, path, "seeds are listed once, at the top of the file, under `seeds:`")
        elif any(known.startswith(f"{setting}.") for known in SETTINGS):
            inner = ", ".join(known for known in SETTINGS if known.startswith(f"{setting}."))
            self.say(source, path, f"is a section, not a setting; it has {inner}")
        else:
            self.say(source, path, f"unknown setting{nearest(setting, SETTINGS)}")
        return False

    def _layer(self, node: Located | None, path: str) -> Layer:
        """The settings below a mapping; unknown ones are reported."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, CommentedMap):
            self.say(node.source, path, "a mapping of settings is needed")
            return {}
        layer: Layer = {}
        for setting, located in document.leaves(node.value, self.file):
            setting = expand_shorthand(setting)
            if self._check_path(setting, located.source, f"{path}.{setting}"):
                layer[setting] = located
        return layer

    def _layers(self, node: Located | None, path: str) -> list[Layer]:
        if node is None:
            return []
        if not isinstance(node.value, CommentedSeq):
            self.say(node.source, path, "a list of mappings is needed")
            return []
        found = document.elements(node.value, self.file, node.source)
        return [self._layer(element, f"{path}[{i}]") for i, element in enumerate(found)]

    def _levels(self, node: Located | None, path: str) -> dict[str, list[Located]]:
        """setting -> its levels, of a grid or a zip."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, CommentedMap):
            self.say(node.source, path, "a mapping from settings to lists of levels is needed")
            return {}
        levels: dict[str, list[Located]] = {}
        for key, value, source in _factor_items(node.value, self.file):
            setting = expand_shorthand(key)
            if not self._check_path(setting, source, f"{path}.{key}"):
                continue
            if not isinstance(value, CommentedSeq | list) or not value:
                self.say(source, f"{path}.{key}", "a list with at least one level is needed, such as [1e-4, 1e-3]")
                continue
            sequence = value if isinstance(value, CommentedSeq) else CommentedSeq(value)
            found = [Located(document.plain(e.value), e.source) for e in document.elements(sequence, self.file, source)]
            levels[setting] = found
        return levels

    # Trials

    def _trials(self, group: _Group, base: Layer, seeds: list[int]) -> Iterator[Trial]:
        for setting in set(group.factors()) & set(base):
            if base[setting].source.startswith("--set"):
                self.say(
                    base[setting].source,
                    "",
                    f"group {group.name} sweeps {setting}; set its levels with "
                    f"--set groups.{group.name}.grid.{setting}=[...]",
                )
        self.stop()
        for factors in group.combinations(self):
            layer = {**base, **factors}
            config = self._validate(layer, group)
            if config is None:
                continue
            for text in cautions(config):
                self.cautions.setdefault(text, set()).add(group.name)
            levels = {setting: located.value for setting, located in factors.items()}
            sources = {setting: located.source for setting, located in layer.items()}
            name = configuration_name(group.name, levels)
            for seed in seeds:
                yield Trial(group.name, name, seed, levels, config.model_copy(update={"seed": seed}), sources)

    def _validate(self, layer: Layer, group: _Group) -> TrialConfig | None:
        try:
            return TrialConfig.model_validate(unflatten({path: located.value for path, located in layer.items()}))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                cause = fault.get("ctx", {}).get("error")
                if isinstance(cause, Conflict):
                    for path, message in cause.problems:
                        self.say(source_of(path, layer) or group.source, path, message)
                else:
                    path = _setting_at_fault(fault["loc"])
                    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
                    given = layer[path].value if path in layer else fault["input"]
                    self.say(source_of(path, layer) or group.source, path, f"{given!r} is refused; needed: {message}")
            return None

    def _refuse_duplicates(self, trials: list[Trial]) -> None:
        seen: dict[str, Trial] = {}
        for trial in trials:
            identity = repr(sorted(effective_settings(trial.config).items()))
            if identity in seen:
                source = next(iter(trial.sources[path] for path in trial.factors), f"{self.file}:1")
                self.say(source, trial.name, f"duplicate trial: the same settings and seed as {seen[identity].name}")
            seen[identity] = trial


@dataclass
class _Group:
    name: str
    path: str
    source: str
    layer: Layer
    grid: dict[str, list[Located]]
    zipped: dict[str, list[Located]]
    exclude: list[Layer]
    by_hand: list[Layer]

    def factors(self) -> list[str]:
        by_hand = [setting for layer in self.by_hand for setting in layer]
        return list(dict.fromkeys([*self.grid, *self.zipped, *by_hand]))

    def rows(self) -> int:
        return len(next(iter(self.zipped.values()))) if self.zipped else 1

    def count(self) -> int:
        if not self.grid and not self.zipped and self.by_hand:
            return len(self.by_hand)
        return math.prod(len(levels) for levels in self.grid.values()) * self.rows() + len(self.by_hand)

    def combinations(self, reader: _Reader) -> Iterator[Layer]:
        """Grid x zip without what is excluded, then the trials written by hand."""
        used = [False] * len(self.exclude)
        if self.grid or self.zipped or not self.by_hand:
            for levels in itertools.product(*self.grid.values()):
                for row in range(self.rows()):
                    factors = dict(zip(self.grid, levels, strict=True))
                    factors |= {setting: values[row] for setting, values in self.zipped.items()}
                    hits = [
                        i
                        for i, layer in enumerate(self.exclude)
                        if all(factors[setting].value == located.value for setting, located in layer.items())
                    ]
                    for i in hits:
                        used[i] = True
                    if not hits:
                        yield factors
        for layer, was_used in zip(self.exclude, used, strict=True):
            if not was_used:
                first = next(iter(layer.values()))
                reader.say(first.source, f"{self.path}.exclude", "matches no combination of the grid")
        yield from self.by_hand


def _factor_items(node: CommentedMap, file: str, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted path, list of levels, source); a grid may be nested as well as dotted."""
    for key, value, source in document.items(node, file):
        if isinstance(value, CommentedMap):
            yield from _factor_items(value, file, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, source


def _setting_at_fault(location: tuple[int | str, ...]) -> str:
    """pydantic's location -> the setting's path, without indices and names of validators."""
    path = ""
    for part in location:
        longer = f"{path}.{part}" if path else str(part)
        if longer in SETTINGS or any(known.startswith(f"{longer}.") for known in SETTINGS):
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
