"""Reads a mapping file. All mistakes are found at once, each with its line and the nearest right name."""

from __future__ import annotations

import os
from pathlib import Path

from gan_core.data.datasets import user_path
from orchestrator.errors import UserError, short_repr
from orchestrator.formatting import FOLDER_NAME_RULE, is_folder_name
from orchestrator.imports import names
from orchestrator.imports.mapping import KINDS, QUALITY_METRICS, TABLES, Kind, Mapping
from orchestrator.imports.mapping_sections import SectionReader
from orchestrator.sweepfile import yaml_source
from orchestrator.sweepfile.yaml_source import LocatedValue
from orchestrator.tracking.address import without_secrets

KEYS = (
    "sweep",
    "question",
    "from",
    "run",
    "group",
    "settings",
    "seed",
    "without_seeds",
    "step",
    "loss",
    "metrics",
    "evaluator",
    "classes",
    "empty_is_nan",
)
A_MAPPING_FILE = "a mapping file is a mapping with keys sweep, from, settings, seed, metrics"


def load(file: Path, sweep: str | None = None) -> Mapping:
    """The mapping of a file. sweep: its name, in place of the one in the file. Raises UserError, SpecError."""
    text = yaml_source.read_text(file, "mapping")
    tree = yaml_source.parse_text(text, str(file), A_MAPPING_FILE)
    top = {key: LocatedValue(value, source) for key, value, source in yaml_source.items(tree, str(file))}
    return _MappingReader(str(file), top).read(text, sweep)


def _without_secrets(text: str, address: str) -> str:
    """The text that the home and MLflow keep; of an address that is not clear nothing is kept."""
    try:
        safe = without_secrets(address)
    except UserError:
        safe = ""
    if safe == address:
        return text
    shown = text.replace(address, safe)
    return shown if shown != text else ""


class _MappingReader(SectionReader):
    def read(self, text: str, sweep: str | None) -> Mapping:
        self.check_keys(self.top, KEYS, "")
        kind, source, more = self._from()
        is_stylegan = kind == "stylegan"
        settings, metrics = self.source_settings(), self.metrics(is_stylegan)
        has_quality = any(metric in QUALITY_METRICS for metric in metrics)
        evaluator = self.text("evaluator")
        if has_quality and not evaluator and not is_stylegan:
            self.report(
                f"{self.file}:1",
                "evaluator",
                "missing; say what measured the quality, such as `evaluator: FID of 50,000 samples (clean-fid)`: "
                "distances of two evaluators are not compared",
            )
        mapping = Mapping(
            file=self.file,
            text=_without_secrets(text, source) if kind == "mlflow" else text,
            sweep=self._sweep(sweep),
            question=self.text("question"),
            kind=kind or "csv",
            source=source,
            experiment=more.get("experiment", ""),
            pattern=more.get("names", ""),
            run=self.text("run"),
            group=self.text("group"),
            settings=settings,
            seed=self._seed(is_stylegan),
            without_seeds=self.flag("without_seeds"),
            step=self.step(kind),
            loss=self.loss(is_stylegan),
            metrics=metrics,
            evaluator=evaluator,
            classes=self.classes(),
            empty_is_nan=self.flag_or_none("empty_is_nan"),
            written=self.written,
        )
        for key in ("run", "empty_is_nan"):
            if key in self.top and kind and kind not in TABLES:
                self.report(self.top[key].source, key, f"is for tables ({', '.join(TABLES)}), not for {kind}")
        self.raise_problems()
        return mapping

    def _sweep(self, name: str | None) -> str:
        if name is not None:
            if not is_folder_name(name):
                self.report("--name", "--name", f"{short_repr(name)} is not a safe folder name; {FOLDER_NAME_RULE}")
            return name
        if "sweep" not in self.top:
            self.report(f"{self.file}:1", "sweep", "missing; name what the runs become, as in sweep: old-runs")
            return ""
        name = self.text("sweep")
        if name and not is_folder_name(name):
            source = self.top["sweep"].source
            self.report(source, "sweep", f"{short_repr(name)} is not a safe folder name; {FOLDER_NAME_RULE}")
        return name

    def _from(self) -> tuple[Kind | None, str, dict[str, str]]:
        """The kind of source (None if that is wrong), its place, and what else there is, as text."""
        example = "such as `from: {csv: histories.csv}`; it may be " + ", ".join(KINDS)
        if "from" not in self.top:
            self.report(f"{self.file}:1", "from", f"missing; say where the runs are, {example}")
            return None, "", {}
        source = self.top["from"].source
        section = self.section("from", [*KINDS, "experiment", "names"]) or {}
        chosen = [kind for kind in KINDS if kind in section]
        if len(chosen) != 1:
            if not self.problems:
                self.report(source, "from", f"one kind of source is needed, {example}")
            return None, "", {}
        [kind] = chosen
        texts = {name: str(value).strip() for name, value in section.items()}
        for name, value in section.items():
            if not isinstance(value, str) or not value.strip():
                self.report(self.written[f"from.{name}"], f"from.{name}", "text is needed; write it in quotes")
        if kind == "mlflow" and "experiment" not in section:
            self.report(source, "from.experiment", "missing; write {mlflow: ADDRESS, experiment: NAME}")
        if kind != "mlflow" and "experiment" in section:
            self.report(source, "from.experiment", f"is for mlflow, not for {kind}")
        if "names" in section and (wrong := names.check_pattern(texts["names"])):
            self.report(self.written["from.names"], "from.names", wrong)
        place = texts[kind]
        if kind == "mlflow":
            return kind, os.path.expandvars(place), texts  # a password is better in the environment
        return kind, str(Path(self.file).parent / user_path(place)), texts

    def _seed(self, is_stylegan: bool) -> str:
        seed = self.text("seed")
        if seed and self.flag("without_seeds"):
            self.report(self.top["without_seeds"].source, "without_seeds", "there is `seed:`, too; keep one of them")
        if "seed" in self.top or self.flag("without_seeds"):
            return seed
        if is_stylegan:
            return "random_seed"
        self.report(
            f"{self.file}:1",
            "seed",
            "missing; name what holds the seed of a run, as in `seed: seed`. If nothing does, write "
            "`without_seeds: true`: the runs of a configuration are then numbered in the order of their names",
        )
        return ""
