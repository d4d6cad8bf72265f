"""What a mapping file says: which names of the source are settings, seed, step and metrics of the report."""

from __future__ import annotations

from collections.abc import Mapping as NamesMapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from gan_core import metric_names
from gan_core.config.sections import LossConfig

Kind = Literal["csv", "parquet", "tensorboard", "wandb", "mlflow", "stylegan"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TABLES: tuple[Kind, ...] = ("csv", "parquet")
Unit = Literal["steps", "images", "kimg", "epochs"]
UNITS: tuple[Unit, ...] = get_args(Unit)
LOSSES: tuple[str, ...] = get_args(LossConfig.model_fields["name"].annotation)
"""The names of losses that a mapping knows."""

TRAINING_METRICS = (
    metric_names.LOSS_GENERATOR,
    metric_names.LOSS_DISCRIMINATOR,
    metric_names.LOSS_DISCRIMINATOR_REAL,
    metric_names.LOSS_DISCRIMINATOR_FAKE,
    metric_names.SCORE_REAL,
    metric_names.SCORE_FAKE,
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_REAL,
    metric_names.ACCURACY_FAKE,
    metric_names.ACCURACY_AUC,
    metric_names.GRADIENT_NORM_DISCRIMINATOR,
    metric_names.GRADIENT_NORM_GENERATOR,
    metric_names.WEIGHT_NORM_DISCRIMINATOR,
    metric_names.WEIGHT_NORM_GENERATOR,
)
"""A value of one of these that is not finite means that training has diverged. Rows of them may be averaged."""
QUALITY_METRICS = (
    metric_names.FRECHET,
    metric_names.FRECHET_INFINITY,
    metric_names.KERNEL,
    metric_names.PRECISION,
    metric_names.RECALL,
    metric_names.DENSITY,
    metric_names.COVERAGE,
    metric_names.DISTINCT_IMAGES,
    metric_names.DISTINCT,
    metric_names.MODES,
    metric_names.CLASS_DIVERGENCE,
    metric_names.CLASS_AGREEMENT,
    metric_names.CLASS_RECALL,
    metric_names.AUTHENTICITY,
)
"""Their names in a history end in the id of the evaluator."""
METRICS = (*TRAINING_METRICS, metric_names.DIVERSITY_RATIO, *QUALITY_METRICS)


@dataclass(frozen=True)
class MetricSource:
    """name: of a metric in the source. divide_by: its values are divided by this, such as 100 for percent."""

    name: str
    divide_by: float = 1.0


@dataclass(frozen=True)
class StepSource:
    """What the steps of the source are.

    name: of the column or the logged value that has them; "" for the source's own steps. unit: theirs. batch_size,
    steps_per_epoch: a number, or the name of a setting in the source; None if not given.
    """

    name: str = ""
    unit: Unit = "steps"
    batch_size: int | str | None = None
    steps_per_epoch: int | str | None = None


@dataclass(frozen=True)
class LossSource:
    """Which loss the runs trained with. name: one of LOSSES, for all runs; "" if not known, or if `column` has it.

    column: name of a setting in the source, and values: what its values mean, where they are not in LOSSES.
    """

    name: str = ""
    column: str = ""
    values: NamesMapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """A mapping file. `names` are those of the source, and the keys of `settings` and `metrics` those of the report.

    file: its path; text: its content, without the secrets of an address. sweep, question: of the sweep that it makes.
    kind, source: a path, or MLflow's address; experiment: its experiment. pattern: such as `{model}-lr{lr}-s{seed}`,
    which the names of runs follow. run, group, seed: names in the source, "" if not given. without_seeds: the runs of a
    configuration are numbered. evaluator: what measured the quality, in words. classes: of the data. empty_is_nan: a
    metric of training that is empty up to the end of a table was NaN. written: path of a key -> file and line.
    """

    file: str
    text: str = field(repr=False)
    sweep: str
    question: str
    kind: Kind
    source: str
    experiment: str = ""
    pattern: str = ""
    run: str = ""
    group: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    seed: str = ""
    without_seeds: bool = False
    step: StepSource = StepSource()
    loss: LossSource = LossSource()
    metrics: dict[str, MetricSource] = field(default_factory=dict)
    evaluator: str = ""
    classes: int | None = None
    empty_is_nan: bool | None = None
    written: dict[str, str] = field(default_factory=dict, repr=False)

    def line_of(self, path: str) -> str:
        """File and line of a key, or of the nearest key above it."""
        while path and path not in self.written:
            path = path.rpartition(".")[0] if "." in path else ""
        return self.written.get(path, f"{self.file}:1")
