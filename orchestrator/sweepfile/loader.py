"""A sweep file -> a `Sweep`: its question and every trial that it asks for. All errors are found at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from gan_core.config.conflicts import Conflict, cautions
from gan_core.config.identity import effective_settings, unflatten
from gan_core.config.sections import expand_shorthand
from gan_core.config.trial import TrialConfig
from orchestrator.errors import UserError, did_you_mean, short_repr
from orchestrator.formatting import FOLDER_NAME_RULE, configuration_name, is_folder_name
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.grid import Group
from orchestrator.sweepfile.model import Sweep, Trial
from orchestrator.sweepfile.settings import SETTINGS, Layer, SettingsReader, setting_at_fault, source_of
from orchestrator.sweepfile.yaml_source import Located

MAX_TRIALS = 20_000
"""A planned trial takes 12 kB and half a millisecond, so the largest plan takes 250 MB and ten seconds. Every trial is
a run of MLflow and a line of the report, which nobody reads at a tenth of this."""
MAX_COMPARISONS = 10_000_000
"""Of combinations with exclusions: a few seconds."""
SWEEP_KEYS = ["sweep", "question", "seeds", "trial", "groups"]
GROUP_KEYS = ["name", "trial", "grid", "zip", "exclude", "trials"]
NEEDED = {
    "betas": "two numbers of at least 0 and less than 1, such as [0.5, 0.999]",
    "classes": "a list of class names or indices, such as [0, 1]",
}
"""What a setting with this last name needs, where pydantic's words would be about tuples."""


def load(file: Path, overrides: list[str] | None = None) -> Sweep:
    """The sweep that `file` describes, with `--set` overrides ("path=value"). Raises UserError or SpecError."""
    tree = yaml_source.read(file)
    sweep = _Reader(str(file)).read(tree, _parse_overrides(overrides or []))
    return replace(sweep, overrides=overrides or [])


def _parse_overrides(overrides: list[str]) -> list[tuple[str, Any]]:
    parsed = []
    for text in overrides:
        path, separator, value = text.partition("=")
        if not separator or not path.strip():
            raise UserError(f"--set {text}: write path=value, such as --set trial.optimizer.lr=1e-3")
        parsed.append((path.strip(), yaml_source.parse_value(path.strip(), value)))
    return parsed


class _Reader(SettingsReader):
    """Reads one file, collecting problems."""

    def __init__(self, file: str):
        super().__init__(file)
        self.cautions: dict[str, set[str]] = {}
        self.group_settings: dict[tuple[str, str], Layer] = {}
        self.incomplete = False

    def read(self, tree: CommentedMap, overrides: list[tuple[str, Any]]) -> Sweep:
        top = {key: Located(value, source) for key, value, source in yaml_source.items(tree, self.file)}
        winning = self._override(top, overrides)
        self.refuse_unknown(top, SWEEP_KEYS, "")
        name = self._name(top)
        question = self._question(top)
        seeds = self._seeds(top)
        shared = self.layer(top.get("trial"), "trial")
        groups = list(self._groups(top))
        count = sum(group.count() for group in groups) * max(1, len(seeds))
        if count > MAX_TRIALS:
            self.say(groups[0].source, "groups", f"{count:,} trials; at most {MAX_TRIALS:,} can be run")
            self.stop()
        for group in groups:
            if group.count() * len(group.exclude) > MAX_COMPARISONS:
                where = f"{group.path}.exclude"
                self.say(group.source, where, f"too many exclusions ({len(group.exclude):,}) for so large a grid")
        self.incomplete = bool(self.problems)
        trials = [
            trial for group in groups for trial in self._trials(group, {**shared, **group.layer, **winning}, seeds)
        ]
        self.stop()
        self._refuse_duplicates([trial for trial in trials if trial.seed == seeds[0]], groups)
        self.stop()
        return Sweep(
            name,
            question or f"How stable are the settings of {name}?",
            seeds,
            trials,
            [f"{text} ({', '.join(sorted(names))})" for text, names in self.cautions.items()],
            self.file,
            overrides=[],
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
                if self.check_path(setting, source, ""):
                    winning[setting] = Located(value, source)
            elif path in ("sweep", "question", "seeds"):
                top[root] = Located(value, source)
            elif root == "groups" and rest:
                self._override_group(top.get("groups"), rest, Located(value, source))
            else:
                hint = did_you_mean(path, ["seeds", "sweep", "question", *(f"trial.{setting}" for setting in SETTINGS)])
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
                if self.check_path(setting, located.source, ""):
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
        elif not isinstance(name, str) or not is_folder_name(name):
            self.say(source, "sweep", f"{short_repr(yaml_source.plain(name))} is not a safe folder name; {FOLDER_NAME_RULE}")
        return str(name)

    def _question(self, top: dict[str, Located]) -> str:
        value = top["question"].value if "question" in top else None
        if value is not None and not isinstance(value, str):
            self.say(top["question"].source, "question", "text is needed; write it in quotes")
        return str(value or "").strip()

    def _seeds(self, top: dict[str, Located]) -> list[int]:
        if "seeds" not in top:
            return [0]
        value, source = yaml_source.plain(top["seeds"].value), top["seeds"].source
        whole = isinstance(value, list) and all(isinstance(s, int) and not isinstance(s, bool) for s in value)
        if not whole or not value or min(value) < 0 or max(value) >= 2**31:
            self.say(source, "seeds", "a list of whole numbers from 0 to 2147483647 is needed, such as [0, 1, 2]")
            return [0]
        if len(set(value)) < len(value):
            self.say(source, "seeds", "a seed is listed twice; it would repeat the same trial")
        return value

    def _groups(self, top: dict[str, Located]) -> Iterator[Group]:
        found = top.get("groups")
        if found is None or not isinstance(found.value, CommentedSeq) or not found.value:
            source = found.source if found else f"{self.file}:1"
            self.say(source, "groups", "a list with at least one group is needed: `- name: ...` with a grid")
            return
        names: set[str] = set()
        for number, element in enumerate(yaml_source.elements(found.value, self.file, found.source)):
            path = f"groups[{number}]"
            if not isinstance(element.value, CommentedMap):
                self.say(element.source, path, "a group is a mapping with keys name, trial, grid, ...")
                continue
            parts = {key: Located(value, source) for key, value, source in yaml_source.items(element.value, self.file)}
            self.refuse_unknown(parts, GROUP_KEYS, f"{path}.")
            given = parts.get("name", Located(None, element.source))
            name = str(given.value).strip() if isinstance(given.value, str | int | float) else ""
            if not name or not name.isprintable():
                self.say(given.source, f"{path}.name", "every group needs a name: text on one line")
            elif name in names:
                self.say(given.source, f"{path}.name", f"two groups are called {name!r}")
            names.add(name)
            yield self._group(name, path, element.source, parts)

    def _group(self, name: str, path: str, source: str, parts: dict[str, Located]) -> Group:
        grid = self.levels(parts.get("grid"), f"{path}.grid", self.group_settings.get((name, "grid"), {}))
        zipped = self.levels(parts.get("zip"), f"{path}.zip", self.group_settings.get((name, "zip"), {}))
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
        exclude = self.layers(parts.get("exclude"), f"{path}.exclude")
        for number, layer in enumerate(exclude):
            if not layer and parts["exclude"].value[number] in (None, {}):
                self.say(parts["exclude"].source, f"{path}.exclude[{number}]", "is empty; give the levels to leave out")
            for setting, located in layer.items():
                if setting not in swept:
                    where = f"{path}.exclude[{number}].{setting}"
                    self.say(located.source, where, "is neither in the grid nor in the zip")
        exclude = [layer for layer in exclude if layer and layer.keys() <= {*grid, *zipped}]
        by_hand = self.layers(parts.get("trials"), f"{path}.trials")
        own = self.layer(parts.get("trial"), f"{path}.trial") | self.group_settings.get((name, "trial"), {})
        return Group(name, path, source, own, grid, zipped, exclude, by_hand)

    # Trials

    def _trials(self, group: Group, base: Layer, seeds: list[int]) -> Iterator[Trial]:
        fixed = [setting for setting in group.factors() if setting in base and base[setting].source.startswith("--set")]
        for setting in fixed:
            section = "grid" if setting in group.grid else "zip"
            instead = f"; set its levels with --set groups.{group.name}.{section}.{setting}=[...]"
            by_hand = setting not in group.grid and setting not in group.zipped
            message = f"group {group.name} sweeps {setting}{' in its trials' if by_hand else instead}"
            self.say(base[setting].source, "", message)
        if fixed:
            return
        for factors in group.single_levels() if self.incomplete else group.combinations(self.say):
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

    def _validate(self, layer: Layer, group: Group) -> TrialConfig | None:
        try:
            return TrialConfig.model_validate(unflatten({path: located.value for path, located in layer.items()}))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                cause = fault.get("ctx", {}).get("error")
                if isinstance(cause, Conflict):
                    for path, message in cause.problems if not self.incomplete else []:
                        self.say(source_of(path, layer) or group.source, path, message)
                else:
                    path = setting_at_fault(fault["loc"])
                    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
                    needed = NEEDED.get(path.rsplit(".", 1)[-1], message)
                    given = layer[path].value if path in layer else fault["input"]
                    self.say(
                        source_of(path, layer) or group.source, path, f"{short_repr(given)} is refused; needed: {needed}"
                    )
            return None

    def _refuse_duplicates(self, trials: list[Trial], groups: list[Group]) -> None:
        """Trials of one seed: no two may have the same settings."""
        group_sources = {group.name: group.source for group in groups}

        def sources(trial: Trial) -> list[str]:
            return [*(trial.sources[path] for path in trial.factors), group_sources[trial.group]]

        seen: dict[bytes, Trial] = {}
        for trial in trials:
            settings = repr(sorted(effective_settings(trial.config).items()))
            identity = hashlib.sha256(settings.encode()).digest()  # the settings themselves would take 2 kB a trial
            twin = seen.setdefault(identity, trial)
            if twin is not trial:
                source = next((s for s in sources(trial) if s not in sources(twin)), sources(trial)[0])
                same = f"the same settings as {twin.configuration} ({sources(twin)[0]})"
                self.say(source, trial.configuration, f"duplicate trial: {same}")
