"""Which reader reads which kind of source."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.errors import UserError
from orchestrator.imports import mlflow_runs, stylegan, table, tensorboard_events, wandb_export, wandb_folder
from orchestrator.imports.mapping import Kind, Mapping
from orchestrator.imports.names import with_settings_of_name
from orchestrator.imports.source_run import SourceLog

_READERS: dict[Kind, Callable[[Mapping], SourceLog]] = {
    "csv": table.read,
    "parquet": table.read,
    "tensorboard": tensorboard_events.read,
    "wandb": wandb_folder.read,
    "mlflow": mlflow_runs.read,
    "stylegan": stylegan.read,
}


def read(mapping: Mapping) -> SourceLog:
    """The runs of a source, with the settings that their names hold. Raises UserError."""
    is_export = mapping.kind == "wandb" and wandb_export.is_export(mapping.source)
    log = wandb_export.read(mapping) if is_export else _READERS[mapping.kind](mapping)
    if not log.runs:
        metrics = ", ".join(source.name for source in mapping.metrics.values())
        raise UserError(f"{log.title} has no run with any of the mapped metrics ({metrics})")
    runs = with_settings_of_name(log.runs, mapping.pattern, mapping.line_of("from.names"))
    return SourceLog(log.title, runs, log.names, log.cautions)
