"""A sweep file -> a `Sweep`: its question and all its trials. All mistakes are found at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gan_core.config.conflicts import Conflict, cautions
from gan_core.config.elements import with_elements
from gan_core.config.identity import effective_settings, unflatten
from gan_core.config.trial import TrialConfig
from orchestrator.errors import short_repr
from orchestrator.formatting import FOLDER_NAME_RULE, configuration_name, is_folder_name, with_names
from orchestrator.sweepfile import advice, early_ends, explored, slurm, until_answered, yaml_source
from orchestrator.sweepfile.contradictions import Contradictions
from orchestrator.sweepfile.grid import Group
from orchestrator.sweepfile.group_reader import read_groups
from orchestrator.sweepfile.model import Search, Sweep, Trial
from orchestrator.sweepfile.overrides import apply_overrides, parse_overrides
from orchestrator.sweepfile.sample_reader import sample_cautions
from orchestrator.sweepfile.settings import (
    LocatedSettings,
    SettingsReader,
    setting_of_location,
    source_of,
    sources_of,
)
from orchestrator.sweepfile.yaml_source import LocatedValue

MAX_TRIALS = 20_000
"""A planned trial takes 12 kB and half a millisecond, so the largest plan takes 250 MB and ten seconds. Every trial is
an MLflow run and a line of the report, which is unreadable beyond about 2,000 trials."""
MAX_OTHER_COMBINATIONS = 1000
"""Combinations of levels that were not drawn, but could be, which are checked for contradictions in half a second."""
MAX_COMPARISONS = 10_000_000
"""Comparisons of combinations with exclusions; they take a few seconds."""
EXCLUDE = "; in a grid, list such a pair under `exclude:`"
SWEEP_KEYS = [
    *("sweep", "question", "seeds", *until_answered.KEYS, *explored.KEYS),
    *(early_ends.KEY, slurm.KEY, "trial", "groups"),
]


def load(file: Path, overrides: list[str] | None = None) -> Sweep:
    """The sweep that `file` describes, with `--set` overrides ("path=value"). Raises UserError or SpecError."""
    return read(yaml_source.read_text(file), str(file), overrides or [])


def read(text: str, file: str, overrides: list[str]) -> Sweep:
    """The sweep of a text that stands, or is to stand, in `file`. Raises SpecError."""
    return _SweepReader(file).read(text, overrides)


class _SweepReader(SettingsReader):
    """Reads one sweep file and collects problems."""

    def __init__(self, file: str):
        super().__init__(file)
        self.cautions: dict[str, set[str]] = {}
        """Text -> names of the groups that it is about."""
        self.explores = False
        """Whether it is a map or a search."""
        self.has_problems = False
        """Whether the file has problems already: then every level is checked once, and conflicts are not reported."""

    def read(self, text: str, overrides: list[str]) -> Sweep:
        tree = yaml_source.parse_text(text, self.file)
        top = {key: LocatedValue(value, source) for key, value, source in yaml_source.items(tree, self.file)}
        applied = apply_overrides(self, top, parse_overrides(overrides))
        self.report_unknown_keys(top, SWEEP_KEYS, "")
        name = self._name(top)
        question = self._question(top)
        explores = explored.read_explores(self, top, applied.explored)
        self.explores = explores is not None
        until = until_answered.read_until(self, top) if explores is None else None
        stop_early = early_ends.read_stop_early(self, top)
        asked_of_slurm = self._slurm(top.get(slurm.KEY), applied.slurm)
        seeds = list(range(until.most)) if until else [0] if explores else self._seeds(top)
        shared = self.read_settings(top.get("trial"), "trial")
        before_groups = len(self.problems)
        groups = list(read_groups(self, top.get("groups"), applied, explores.trials if explores else None))
        if explores and len(self.problems) == before_groups:
            explores = explored.check_group(self, top, applied.explored, explores, groups)
        self._check_size(groups, len(seeds))
        self.has_problems = bool(self.problems)
        trials = [
            trial
            for group in groups
            for trial in self._trials(group, applied.settings(group.name, {**shared, **group.settings}), seeds)
        ]
        self.raise_problems()
        samples = {group.name: group.sample for group in groups if group.sample}
        of_one_seed = [trial for trial in trials if trial.seed == seeds[0]]
        if not explores:  # each of those has a seed of its own
            self._report_duplicate_trials(of_one_seed, groups)
        self.raise_problems()
        if until:
            until_answered.check_answerable(self, top, until, of_one_seed)
            self.raise_problems()
        cautions = with_names(self.cautions)
        if stop_early:
            cautions += early_ends.cautions(of_one_seed)
        if isinstance(explores, Search) and explores.schedule:
            cautions += early_ends.schedule_cautions(of_one_seed)
        cautions += [
            text
            for group in groups
            if group.sample and not explores
            for text in sample_cautions(group.name, group.sample, group.excluded_points())
        ]
        sweep = Sweep(
            name,
            question or f"How stable are the settings of {name}?",
            seeds,
            trials,
            cautions,
            self.file,
            text,
            overrides,
            until,
            stop_early,
            samples,
            asked_of_slurm,
        )
        if explores is None:
            return sweep
        settings = applied.settings(groups[0].name, {**shared, **groups[0].settings})
        return explored.as_explored(sweep, explores, groups[0], settings)

    def _name(self, top: dict[str, LocatedValue]) -> str:
        if "sweep" not in top:
            self.report(f"{self.file}:1", "sweep", "missing; give the sweep a name, such as `sweep: stability`")
            return ""
        name, source = top["sweep"].value, top["sweep"].source
        if not isinstance(name, str) and isinstance(name, int | float | date):
            self.report(source, "sweep", f"is not text; write it in quotes, as in sweep: '{name}'")
        elif not isinstance(name, str) or not is_folder_name(name):
            written = short_repr(yaml_source.plain(name))
            self.report(source, "sweep", f"{written} is not a safe folder name; {FOLDER_NAME_RULE}")
        return str(name)

    def _question(self, top: dict[str, LocatedValue]) -> str:
        value = top["question"].value if "question" in top else None
        if value is not None and not isinstance(value, str):
            self.report(top["question"].source, "question", "text is needed; write it in quotes")
        return str(value or "").strip()

    def _slurm(self, node: LocatedValue | None, overrides: LocatedSettings) -> dict[str, Any]:
        """What a job asks Slurm for. `overrides`: keys from `--set`, which replace those of the file."""
        settings: dict[str, Any] = {}
        if node is not None and node.value is not None:
            settings, wrong = slurm.check(yaml_source.plain(node.value))
            sources = {key: source for key, _, source in yaml_source.items(node.value, self.file)}
            for key, message in wrong.items():
                self.report(sources.get(key, node.source), ".".join(filter(None, (slurm.KEY, key))), message)
        for key, located in overrides.items():
            right, wrong = slurm.check({key: yaml_source.plain(located.value)})
            settings |= right
            for message in wrong.values():
                self.report(located.source, "", message)
        return settings

    def _seeds(self, top: dict[str, LocatedValue]) -> list[int]:
        if "seeds" not in top or until_answered.is_range(top["seeds"]):
            return [0]
        value, source = yaml_source.plain(top["seeds"].value), top["seeds"].source
        whole = isinstance(value, list) and all(isinstance(s, int) and not isinstance(s, bool) for s in value)
        if not whole or not value or min(value) < 0 or max(value) >= 2**31:
            self.report(source, "seeds", advice.seeds_hint(value))
            return [0]
        if len(set(value)) < len(value):
            self.report(source, "seeds", "a seed is listed twice; it would repeat the same trial")
        return value

    def _check_size(self, groups: list[Group], seeds: int) -> None:
        """Reports groups that would take too long to expand. Raises SpecError if there are too many trials."""
        count = sum(group.count() for group in groups) * max(1, seeds)
        if count > MAX_TRIALS:
            self.report(groups[0].source, "groups", f"{count:,} trials; at most {MAX_TRIALS:,} can be run")
            self.raise_problems()
        for group in groups:
            if group.count() * len(group.exclude) > MAX_COMPARISONS:
                message = f"too many exclusions ({len(group.exclude):,}) for so large a grid"
                self.report(group.source, f"{group.path}.exclude", message)

    def _trials(self, group: Group, base: LocatedSettings, seeds: list[int]) -> Iterator[Trial]:
        """The trials of a group. `base`: the settings that all of them share."""
        if self._report_overridden_factors(group, base):
            return
        if group.sample and not self.has_problems and not self._has_right_ranges(group, base):
            return
        contradictions = Contradictions()
        for factors in group.each_level_once() if self.has_problems else group.combinations(self.report):
            settings = {**base, **factors}
            config = self._validate(settings, group, contradictions if factors.keys() & set(group.sampled) else None)
            if config is None:
                continue
            for text in cautions(config):
                self.cautions.setdefault(text, set()).add(group.name)
            levels = {setting: located.value for setting, located in factors.items()}
            name, sources = configuration_name(group.name, levels), sources_of(settings)
            sampled = tuple(path for path in group.sampled if path in levels)
            for seed in seeds:
                config_of_seed = config.model_copy(update={"seed": seed})
                yield Trial(group.name, name, seed, levels, config_of_seed, sources, sampled=sampled)
        if group.sample and not self.has_problems:
            for factors in group.other_combinations(MAX_OTHER_COMBINATIONS):
                self._validate({**base, **factors}, group, contradictions)
            for source, path, message in contradictions.lines(group, self.explores):
                self.report(source, path, message)

    def _has_right_ranges(self, group: Group, base: LocatedSettings) -> bool:
        """Whether all that the sample of the group may draw is within the limits of its settings; reports what is not.

        So it does not depend on the draw whether a file is refused.
        """
        before = len(self.problems)
        for factors in group.each_level_once():
            self._validate({**base, **factors}, group, Contradictions())
        return len(self.problems) == before

    def _report_overridden_factors(self, group: Group, base: LocatedSettings) -> bool:
        """Reports each factor of the group that `--set` gives one value; whether there is one."""
        fixed = [setting for setting in group.factors() if setting in base and base[setting].source.startswith("--set")]
        for setting in fixed:
            section = "grid" if setting in group.grid else "zip"
            if setting in group.sampled:
                drawn = f"; change what is drawn with --set 'groups.{group.name}.sample.{setting}={{uniform: [...]}}'"
                self.report(base[setting].source, "", f"group {group.name} draws {setting}{drawn}")
                continue
            instead = f"; set its levels with --set groups.{group.name}.{section}.{setting}=[...]"
            is_listed = setting not in group.grid and setting not in group.zipped
            message = f"group {group.name} sweeps {setting}{' in its trials' if is_listed else instead}"
            self.report(base[setting].source, "", message)
        return bool(fixed)

    def _validate(
        self, settings: LocatedSettings, group: Group, contradictions: Contradictions | None = None
    ) -> TrialConfig | None:
        """The config with these settings, or None if something is wrong with them, which is reported.

        contradictions: of a drawn point, gets those of its settings that contradict each other.
        """
        try:
            values = with_elements({path: located.value for path, located in settings.items()})
            return TrialConfig.model_validate(unflatten(values))
        except ValidationError as error:
            sources = sources_of(settings)
            for details in error.errors(include_url=False):
                cause = details.get("ctx", {}).get("error")
                if isinstance(cause, Conflict) and contradictions is not None:
                    for path, message in cause.problems if not self.has_problems else []:
                        contradictions.add(source_of(path, sources) or group.source, path, message, settings)
                elif isinstance(cause, Conflict):
                    for path, message in cause.problems if not self.has_problems else []:
                        hint = EXCLUDE if path in group.factors() and len(group.factors()) > 1 else ""
                        self.report(source_of(path, sources) or group.source, path, f"{message}{hint}")
                else:
                    path = setting_of_location(details["loc"])
                    element = f"{path}[{details['loc'][-1]}]"
                    path = element if element in settings else path
                    given = settings[path].value if path in settings else details["input"]
                    right = advice.value_hint(path, given, details["type"], details["msg"])
                    message = f"{short_repr(given)} is not allowed; {right}"
                    if group.sample and path in group.sampled:
                        message = advice.dimension_hint(group.sample.dimension(path), given, details["type"], right)
                    self.report(source_of(path, sources) or group.source, path, message)
            return None

    def _report_duplicate_trials(self, trials: list[Trial], groups: list[Group]) -> None:
        """Reports trials with the same settings. `trials`: those of one seed."""
        group_sources = {group.name: group.source for group in groups}

        def sources(trial: Trial) -> list[str]:
            return [*(trial.sources[path] for path in trial.factors), group_sources[trial.group]]

        trial_of: dict[bytes, Trial] = {}
        for trial in trials:
            settings = repr(sorted(effective_settings(trial.config).items()))
            identity = hashlib.sha256(settings.encode()).digest()  # the settings themselves would take 2 kB a trial
            twin = trial_of.setdefault(identity, trial)
            if twin is not trial:
                source = next((s for s in sources(trial) if s not in sources(twin)), sources(trial)[0])
                same = f"the same settings as {twin.configuration} ({sources(twin)[0]})"
                self.report(source, trial.configuration, f"duplicate trial: {same}")
