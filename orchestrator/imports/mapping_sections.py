"""The parts of a mapping file: settings, metrics, steps, the loss. Mistakes are collected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gan_core import metric_names
from orchestrator.errors import did_you_mean, short_repr
from orchestrator.imports.mapping import LOSSES, METRICS, TABLES, UNITS, Kind, LossSource, MetricSource, StepSource
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.settings import SettingsReader
from orchestrator.sweepfile.yaml_source import LocatedValue

SETTING_NAME = re.compile(r"[\w./ -]{1,200}")
"""What MLflow takes as the name of a parameter."""
RESERVED = ("seed", "sweep", "group")
STYLEGAN_STEP = StepSource(unit="kimg", batch_size="batch_size")
STYLEGAN_METRICS = {
    "loss/generator": "Loss/G/loss",
    "loss/discriminator": "Loss/D/loss",
    "accuracy/real": "accuracy on real images",
    "accuracy/fake": "accuracy on generated images",
    "score/real": "Loss/scores/real",
    "score/fake": "Loss/scores/fake",
    "frechet": "fid50k_full",
    "kernel": "kid50k_full",
    "precision": "pr50k3_full_precision",
    "recall": "pr50k3_full_recall",
}
"""What StyleGAN logs without being asked, or with `--metrics`. A mapping file may name others."""
CURVES_OR_VERDICTS = (
    metric_names.LOSS_GENERATOR,
    metric_names.LOSS_DISCRIMINATOR,
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_AUC,
    metric_names.DIVERSITY_RATIO,
    metric_names.FRECHET,
    metric_names.COVERAGE,
)
"""Without any of these there is nothing to draw or to judge."""
WITH_STEPS: tuple[Kind, ...] = ("tensorboard", "mlflow", "stylegan")
"""Sources whose points have steps without a name."""


class SectionReader(SettingsReader):
    """Reads the parts of one mapping file. top: its keys. written: path of each key -> file and line."""

    def __init__(self, file: str, top: dict[str, LocatedValue]):
        super().__init__(file)
        self.top = top
        self.written = {key: located.source for key, located in top.items()}

    def check_keys(self, keys: dict[str, LocatedValue], known: Sequence[str], prefix: str) -> None:
        for key, located in keys.items():
            if key not in known:
                hint = did_you_mean(key, list(known)) or f"; known keys: {', '.join(known)}"
                self.report(located.source, f"{prefix}{key}", f"unknown key{hint}")

    def text(self, key: str) -> str:
        located = self.top.get(key)
        if located is None:
            return ""
        value = yaml_source.plain(located.value)
        if isinstance(value, bool | list | dict) or value is None or not str(value).strip():
            self.report(located.source, key, f"{short_repr(value)} is not text; write a name, in quotes if needed")
            return ""
        return str(value).strip()

    def flag(self, key: str) -> bool:
        located = self.top.get(key)
        value = located.value if located else False
        if not isinstance(value, bool):
            self.report(self.top[key].source, key, "write true or false")
        return value is True

    def flag_or_none(self, key: str) -> bool | None:
        """None if the key is missing."""
        return self.flag(key) if key in self.top else None

    def section(self, key: str, known: Sequence[str]) -> dict[str, Any] | None:
        """The plain values of a mapping with these keys; None if it is none, which is not reported."""
        located = self.top[key]
        inner = {name: LocatedValue(value, at) for name, value, at in yaml_source.items(located.value, self.file)}
        if not inner:
            return None
        self.written |= {f"{key}.{name}": value.source for name, value in inner.items()}
        self.check_keys(inner, known, f"{key}.")
        return {name: yaml_source.plain(value.value) for name, value in inner.items() if name in known}

    def named(self, key: str, needed: str) -> list[tuple[str, Any, str]]:
        """(dotted name, plain value, source) of the entries of a mapping; names may be nested."""
        if key not in self.top:
            return []
        entries = list(yaml_source.items(self.top[key].value, self.file))
        if not entries:
            self.report(self.top[key].source, key, f"{needed} is needed")
        self.written |= {f"{key}.{name}": source for name, _, source in entries}
        return [(name, yaml_source.plain(value), source) for name, value, source in entries]

    def source_settings(self) -> dict[str, str]:
        """Name in the report -> name in the source."""
        settings: dict[str, str] = {}
        for name, value, source in self.named("settings", "a mapping `name in the report: name in the source`"):
            if name in RESERVED or not SETTING_NAME.fullmatch(name):
                rule = "has a meaning of its own" if name in RESERVED else "use letters, digits, blanks and . / _ -"
                self.report(source, f"settings.{name}", f"{rule}; give the setting another name")
            elif isinstance(value, dict | list | bool) or value is None or str(value).strip() == "":
                self.report(source, f"settings.{name}", "write the name that the source has for it")
            else:
                settings[name] = str(value)
        return settings

    def metrics(self, is_stylegan: bool) -> dict[str, MetricSource]:
        metrics = {name: MetricSource(known) for name, known in STYLEGAN_METRICS.items()} if is_stylegan else {}
        if "metrics" not in self.top and not is_stylegan:
            example = "such as `metrics: {frechet: fid, loss/generator: g_loss}`"
            self.report(f"{self.file}:1", "metrics", f"missing; map at least one metric, {example}")
        for name, value, source in self.named("metrics", "a mapping `metric: name in the source`"):
            path = f"metrics.{name}"
            if name not in METRICS:
                hint = did_you_mean(name, list(METRICS)) or f"; known: {', '.join(METRICS)}"
                self.report(source, path, f"unknown metric{hint}")
            elif isinstance(value, dict):
                divisor = value.get("divide_by", 1)
                is_number = isinstance(divisor, int | float) and not isinstance(divisor, bool) and divisor > 0
                if set(value) - {"name", "divide_by"} or "name" not in value or not is_number:
                    self.report(source, path, "write the source's name, or {name: d_acc, divide_by: 100}")
                else:
                    metrics[name] = MetricSource(str(value["name"]), float(divisor))
            elif isinstance(value, list | bool) or value is None:
                self.report(source, path, "write the name that the source has for it")
            else:
                metrics[name] = MetricSource(str(value))
        if metrics and not any(metric in metrics for metric in CURVES_OR_VERDICTS):
            needed = ", ".join(CURVES_OR_VERDICTS)
            self.report(self.top["metrics"].source, "metrics", f"these alone say nothing: map one of {needed}, too")
        return metrics

    def step(self, kind: Kind | None) -> StepSource:
        default = STYLEGAN_STEP if kind == "stylegan" else StepSource()
        if "step" not in self.top:
            if kind in TABLES:
                self.report(f"{self.file}:1", "step", "missing; name the column of the steps, as in `step: step`")
            return default
        source, known = self.top["step"].source, ("name", "unit", "batch_size", "steps_per_epoch")
        section = self.section("step", known)
        if section is None:
            if kind in WITH_STEPS:
                message = f"{kind} has steps of its own; write {{unit: ..., batch_size: ...}}, or leave it out"
                self.report(source, "step", message)
            return StepSource(self.text("step"), default.unit, default.batch_size)
        if "name" in section and kind in WITH_STEPS:
            self.report(self.written["step.name"], "step.name", f"leave it out: {kind} has steps of its own")
        unit = section.get("unit", default.unit)
        if unit not in UNITS:
            self.report(source, "step.unit", f"{short_repr(unit)} is no unit; write one of {', '.join(UNITS)}")
            return default
        sizes = {key: self._size(section, f"step.{key}") for key in ("batch_size", "steps_per_epoch")}
        batch_size = sizes["batch_size"] or default.batch_size
        if unit in ("images", "kimg") and not batch_size and "batch_size" not in section:
            message = f"missing; how many {unit} are a step? {{unit: {unit}, batch_size: 64}}, or the name of a setting"
            self.report(source, "step.batch_size", message)
        if unit == "epochs" and "steps_per_epoch" not in section:
            message = "missing; how many steps are an epoch? {unit: epochs, steps_per_epoch: 938}"
            self.report(source, "step.steps_per_epoch", message)
        if kind in TABLES and "name" not in section:
            self.report(source, "step.name", "missing; name the column of the steps")
        return StepSource(str(section.get("name", "")), unit, batch_size, sizes["steps_per_epoch"])

    def _size(self, section: dict[str, Any], path: str) -> int | str | None:
        value = section.get(path.partition(".")[2])
        is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if value is None or is_number or (isinstance(value, str) and value.strip()):
            return value
        self.report(self.written[path], path, "write a whole number above 0, or the name that the source has for it")
        return None

    def loss(self, is_stylegan: bool) -> LossSource:
        if "loss" not in self.top:
            return LossSource("bce") if is_stylegan else LossSource()
        source = self.top["loss"].source
        section = self.section("loss", ("column", "values"))
        if section is None:
            name = self.text("loss")
            if name and name not in LOSSES:
                hint = did_you_mean(name, list(LOSSES)) or f"; known: {', '.join(LOSSES)}."
                message = f"{short_repr(name)} is no loss{hint} If each run says its own: {{column: NAME}}"
                self.report(source, "loss", message)
            return LossSource(name)
        values = section.get("values") or {}
        if "column" not in section or not isinstance(values, dict):
            self.report(source, "loss", "write {column: gan_mode, values: {wgangp: wasserstein, vanilla: bce}}")
            return LossSource()
        for written, meant in values.items():
            if meant not in LOSSES:
                self.report(source, f"loss.values.{written}", f"{short_repr(meant)} is not one of {', '.join(LOSSES)}")
        return LossSource(column=str(section["column"]), values={str(k): str(v) for k, v in values.items()})

    def classes(self) -> int | None:
        located = self.top.get("classes")
        if located is None:
            return None
        value = yaml_source.plain(located.value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 2:
            self.report(located.source, "classes", "write how many classes the data have, such as 10")
            return None
        return value
