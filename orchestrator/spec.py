"""A sweep file -> a `Sweep`: its question and every trial that it asks for. All errors are found at once."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
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
from orchestrator.errors import Problem, SpecError, UserError, nearest, shown
from orchestrator.naming import SHORT, configuration_name

MOST_TRIALS = 1_000_000
MOST_PROBLEMS = 20
SETTINGS = [path for path in setting_paths() if path != "seed"]
SWEEP_KEYS = ["sweep", "question", "seeds", "trial", "groups"]
GROUP_KEYS = ["name", "trial", "grid", "zip", "exclude", "trials"]
ALSO_CALLED = {"learning_rate": "optimizer.lr"} | {short: path for path, short in SHORT.items()}
NEEDED = {
    "betas": "two numbers of at least 0 and less than 1, such as [0.5, 0.999]",
    "classes": "a list of class names or indices, such as [0, 1]",
}
"""What a setting with this last name needs, where pydantic's words would be about tuples."""
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
        parsed.append((path.strip(), document.parse_value(path.strip(), value)))
    return parsed


class _Reader:
    """Reads one file, collecting problems."""

    def __init__(self, file: str):
        self.file = file
        self.problems: dict[Problem, None] = {}
        self.cautions: dict[str, set[str]] = {}
        self.group_settings: dict[tuple[str, str], Layer] = {}
        self.incomplete = False

    def say(self, source: str, path: str, message: str) -> None:
        self.problems[Problem(source, path, message)] = None
        if len(self.problems) >= MOST_PROBLEMS:
            cut = Problem(self.file, "", f"these are the first {MOST_PROBLEMS} problems, there may be more")
            raise SpecError([*self.problems, cut])

    def stop(self) -> None:
        if self.problems:
            raise SpecError(list(self.problems))

    def read(self, tree: CommentedMap, overrides: list[tuple[str, Any]]) -> Sweep:
        top = {key: Located(value, source) for key, value, source in document.items(tree, self.file)}
        winning = self._override(top, overrides)
        self._refuse_unknown(top, SWEEP_KEYS, "")
        name = self._name(top)
        seeds = self._seeds(top)
        shared = self._layer(top.get("trial"), "trial")
        groups = list(self._groups(top))
        count = sum(group.count() for group in groups) * max(1, len(seeds))
        if count > MOST_TRIALS:
            self.say(groups[0].source, "groups", f"{count:,} trials; at most {MOST_TRIALS:,} can be run")
            self.stop()
        self.incomplete = bool(self.problems)
        trials = [
            trial for group in groups for trial in self._trials(group, {**shared, **group.layer, **winning}, seeds)
        ]
        self.stop()
        self._refuse_duplicates([trial for trial in trials if trial.seed == seeds[0]], groups)
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

    def _override(self, top: dict[str, Located], overrides: list[tuple[str, Any]]) -> Layer:
        """Applies --set; what is set under `trial` wins over every group and is returned."""
        winning: Layer = {}
        for path, value in overrides:
            source = f"--set {path}"
            root, _, rest = path.partition(".")
            if root == "trial" and rest:
                setting = expand_shorthand(rest)
                if self._check_path(setting, source, ""):
                    winning[setting] = Located(value, source)
            elif path in ("sweep", "question", "seeds"):
                top[root] = Located(value, source)
            elif root == "groups" and rest:
                self._override_group(top.get("groups"), rest, Located(value, source))
            else:
                hint = nearest(path, ["seeds", "sweep", "question", *(f"trial.{setting}" for setting in SETTINGS)])
                known = "; possible: trial.<setting>, seeds, sweep, question, groups.<name>.grid.<setting>"
                self.say(source, "", f"nothing to set there{hint or known}")
        return winning

    def _override_group(self, groups: Located | None, rest: str, located: Located) -> None:
        """Keeps a group's setting for when that group is read."""
        found = groups.value if groups and isinstance(groups.value, CommentedSeq) else []
        names = [str(group.get("name")).strip() for group in found if isinstance(group, CommentedMap)]
        for name in sorted(names, key=len, reverse=True):
            section, _, path = rest.removeprefix(f"{name}.").partition(".")
            if rest.startswith(f"{name}.") and section in ("trial", "grid", "zip") and path:
                setting = expand_shorthand(path)
                if self._check_path(setting, located.source, ""):
                    self.group_settings.setdefault((name, section), {})[setting] = located
                return
        self.say(
            located.source,
            "",
            "write groups.<name>.grid.<setting> or groups.<name>.trial.<setting>; "
            f"the groups are {', '.join(names) or 'missing'}",
        )

    def _name(self, top: dict[str, Located]) -> str:
        if "sweep" not in top:
            self.say(f"{self.file}:1", "sweep", "missing; give the sweep a name, such as `sweep: stability`")
            return ""
        name, source = top["sweep"].value, top["sweep"].source
        if not isinstance(name, str) and isinstance(name, int | float | date):
            self.say(source, "sweep", f"is not text; write it in quotes, as in sweep: '{name}'")
        elif not isinstance(name, str) or not SAFE_NAME.fullmatch(name) or ".." in name:
            safe = "use 1 to 64 letters, digits, '-', '_' and '.', a letter or digit first"
            self.say(source, "sweep", f"{shown(document.plain(name))} is not a safe folder name; {safe}")
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
            given = parts.get("name", Located(None, element.source))
            name = str(given.value).strip() if isinstance(given.value, str | int | float) else ""
            if not name or not name.isprintable():
                self.say(given.source, f"{path}.name", "every group needs a name: text on one line")
            elif name in names:
                self.say(given.source, f"{path}.name", f"two groups are called {name!r}")
            names.add(name)
            yield self._group(name, path, element.source, parts)

    def _group(self, name: str, path: str, source: str, parts: dict[str, Located]) -> _Group:
        grid = self._levels(parts.get("grid"), f"{path}.grid", self.group_settings.get((name, "grid"), {}))
        zipped = self._levels(parts.get("zip"), f"{path}.zip", self.group_settings.get((name, "zip"), {}))
        swept = {*grid, *zipped}
        for setting in grid.keys() & zipped.keys():
            first = next(iter(zipped[setting]), parts.get("zip"))
            self.say(first.source if first else source, f"{path}.zip.{setting}", "is in the grid as well")
            del grid[setting]
        lengths = sorted({len(levels) for levels in zipped.values() if levels})
        if len(lengths) > 1:
            where = parts["zip"].source if "zip" in parts else source
            self.say(where, f"{path}.zip", f"lists of different lengths ({lengths}) cannot be zipped")
            zipped = {}
        grid = {setting: levels for setting, levels in grid.items() if levels}
        zipped = {setting: levels for setting, levels in zipped.items() if levels}
        exclude = self._layers(parts.get("exclude"), f"{path}.exclude")
        for number, layer in enumerate(exclude):
            if not layer and parts["exclude"].value[number] in (None, {}):
                self.say(parts["exclude"].source, f"{path}.exclude[{number}]", "is empty; give the levels to leave out")
            for setting, located in layer.items():
                if setting not in swept:
                    where = f"{path}.exclude[{number}].{setting}"
                    self.say(located.source, where, "is neither in the grid nor in the zip")
        exclude = [layer for layer in exclude if layer and layer.keys() <= {*grid, *zipped}]
        by_hand = self._layers(parts.get("trials"), f"{path}.trials")
        own = self._layer(parts.get("trial"), f"{path}.trial") | self.group_settings.get((name, "trial"), {})
        return _Group(name, path, source, own, grid, zipped, exclude, by_hand)

    # Settings

    def _refuse_unknown(self, found: dict[str, Located], known: list[str], prefix: str) -> None:
        for key, located in found.items():
            if key not in known:
                settings = [f"{prefix}trial.{setting}" for setting in SETTINGS]
                hint = nearest(key, [*known, *settings]) or f"; known keys: {', '.join(known)}"
                if _is_section(key):
                    hint = f", did you mean {prefix}trial.{key}?"
                self.say(located.source, f"{prefix}{key}", f"unknown key{hint}")

    def _check_path(self, setting: str, source: str, path: str) -> bool:
        if setting in SETTINGS:
            return True
        if setting == "seed":
            self.say(source, path, "seeds are listed once, at the top of the file, under `seeds:`")
        elif _is_section(setting):
            inner = ", ".join(known for known in SETTINGS if known.startswith(f"{setting}."))
            self.say(source, path, f"is a section, not a setting; it has {inner}")
        else:
            called = ALSO_CALLED.get(setting.rsplit(".", 1)[-1])
            hint = f", did you mean {called}?" if called else nearest(setting, SETTINGS)
            self.say(source, path, f"unknown setting{hint}")
        return False

    def _layer(self, node: Located | None, path: str) -> Layer:
        """The settings below a mapping; unknown ones are reported."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, CommentedMap):
            self.say(node.source, path, "a mapping of settings is needed")
            return {}
        layer: Layer = {}
        for written, located in document.leaves(node.value, self.file):
            if located.value in (None, {}) and _is_section(written):
                continue
            setting = expand_shorthand(written)
            if self._check_path(setting, located.source, f"{path}.{written}"):
                self._refuse_twice(setting, layer, located.source, f"{path}.{written}")
                layer[setting] = located
        return layer

    def _layers(self, node: Located | None, path: str) -> list[Layer]:
        if node is None:
            return []
        if not isinstance(node.value, CommentedSeq) or not node.value:
            self.say(node.source, path, "a list of mappings is needed, such as `- optimizer.lr: 1e-3`")
            return []
        found = document.elements(node.value, self.file, node.source)
        return [self._layer(element, f"{path}[{i}]") for i, element in enumerate(found)]

    def _refuse_twice(self, setting: str, found: Layer | dict[str, list[Located]], source: str, path: str) -> None:
        if setting in found:
            self.say(source, path, f"{setting} is written twice here; keep one of them")

    def _levels(self, node: Located | None, path: str, overrides: Layer) -> dict[str, list[Located]]:
        """setting -> its levels, of a grid or a zip; no levels where they are wrong, which is reported."""
        filled = isinstance(node.value, CommentedMap) and node.value if node else True
        if node and not filled and not (node.value is None and overrides):
            such_as = "such as `optimizer.lr: [1e-4, 1e-3]`"
            self.say(node.source, path, f"a mapping from settings to lists of levels is needed, {such_as}")
        levels: dict[str, list[Located]] = {}
        for key, value, source in _factor_items(node.value if node else None, self.file):
            setting = expand_shorthand(key)
            if self._check_path(setting, source, f"{path}.{key}"):
                self._refuse_twice(setting, levels, source, f"{path}.{key}")
                levels[setting] = [] if setting in overrides else self._level_list(value, source, f"{path}.{key}")
        for setting, located in overrides.items():
            levels[setting] = self._level_list(located.value, located.source, "")
        return levels

    def _level_list(self, value: Any, source: str, path: str) -> list[Located]:
        if not isinstance(value, list) or not value:
            self.say(source, path, "a list with at least one level is needed, such as [1e-4, 1e-3]")
            return []
        return [Located(document.plain(e.value), e.source) for e in document.elements(value, self.file, source)]

    # Trials

    def _trials(self, group: _Group, base: Layer, seeds: list[int]) -> Iterator[Trial]:
        fixed = [setting for setting in group.factors() if setting in base and base[setting].source.startswith("--set")]
        for setting in fixed:
            section = "grid" if setting in group.grid else "zip"
            instead = f"; set its levels with --set groups.{group.name}.{section}.{setting}=[...]"
            by_hand = setting not in group.grid and setting not in group.zipped
            message = f"group {group.name} sweeps {setting}{' in its trials' if by_hand else instead}"
            self.say(base[setting].source, "", message)
        if fixed:
            return
        for factors in group.single_levels() if self.incomplete else group.combinations(self):
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
                    for path, message in cause.problems if not self.incomplete else []:
                        self.say(source_of(path, layer) or group.source, path, message)
                else:
                    path = _setting_at_fault(fault["loc"])
                    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
                    needed = NEEDED.get(path.rsplit(".", 1)[-1], message)
                    given = layer[path].value if path in layer else fault["input"]
                    self.say(
                        source_of(path, layer) or group.source, path, f"{shown(given)} is refused; needed: {needed}"
                    )
            return None

    def _refuse_duplicates(self, trials: list[Trial], groups: list[_Group]) -> None:
        """Trials of one seed: no two may have the same settings."""
        group_sources = {group.name: group.source for group in groups}

        def sources(trial: Trial) -> list[str]:
            return [*(trial.sources[path] for path in trial.factors), group_sources[trial.group]]

        seen: dict[str, Trial] = {}
        for trial in trials:
            identity = repr(sorted(effective_settings(trial.config).items()))
            twin = seen.setdefault(identity, trial)
            if twin is not trial:
                source = next((s for s in sources(trial) if s not in sources(twin)), sources(trial)[0])
                settings = f"the same settings as {twin.configuration} ({sources(twin)[0]})"
                self.say(source, trial.configuration, f"duplicate trial: {settings}")


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

    def single_levels(self) -> Iterator[Layer]:
        """Every level once, which finds what is wrong with levels without their product."""
        swept = self.grid | self.zipped
        first = {setting: levels[0] for setting, levels in swept.items()}
        yield first
        for setting, levels in swept.items():
            yield from (first | {setting: level} for level in levels[1:])
        yield from self.by_hand

    def combinations(self, reader: _Reader) -> Iterator[Layer]:
        """Grid x zip without what is excluded, then the trials written by hand."""
        used = [False] * len(self.exclude)
        none_left = bool(self.exclude)
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
                        none_left = False
                        yield factors
        for layer, was_used in zip(self.exclude, used, strict=True):
            if not was_used:
                first = next(iter(layer.values()))
                reader.say(first.source, f"{self.path}.exclude", "matches no combination of the grid")
        if none_left and not self.by_hand:
            reader.say(self.source, f"{self.path}.exclude", "leaves no trial in this group")
        yield from self.by_hand


def _is_section(path: str) -> bool:
    return any(known.startswith(f"{path}.") for known in SETTINGS)


def _factor_items(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """(dotted path, list of levels, source); a grid may be nested as well as dotted."""
    for key, value, source in document.items(node, file):
        if isinstance(value, CommentedMap) and value:
            yield from _factor_items(value, file, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value, source


def _setting_at_fault(location: tuple[int | str, ...]) -> str:
    """pydantic's location -> the setting's path, without indices and names of validators."""
    path = ""
    for part in location:
        longer = f"{path}.{part}" if path else str(part)
        if longer in SETTINGS or _is_section(longer):
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
