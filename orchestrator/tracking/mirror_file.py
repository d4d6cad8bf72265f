"""mirror.json: where MLflow holds a sweep, so that commands can name its runs without a request to MLflow."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from orchestrator.store.json_files import read_json_or_none, write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.tracking.address import without_secrets


@dataclass(frozen=True)
class MirrorLocation:
    """`tracking_uri`: without credentials. `experiment`, `parent`: MLflow's ids. `runs`: trial key -> run id."""

    tracking_uri: str
    experiment: str
    parent: str
    runs: dict[str, str]


def write(folder: SweepFolder, location: MirrorLocation) -> None:
    write_json(folder.mirror_file, asdict(location))


def is_mirrored_at(folder: SweepFolder, uri: str) -> bool:
    """Whether this sweep has been sent to the MLflow at this address before."""
    content = read_json_or_none(folder.mirror_file) or {}
    return bool(content.get("parent")) and content.get("tracking_uri") == without_secrets(uri)


def tracking_uri(folder: SweepFolder) -> str:
    """Where this sweep was sent to last, without credentials; empty if it never was."""
    return str((read_json_or_none(folder.mirror_file) or {}).get("tracking_uri", ""))


def experiment_id(folder: SweepFolder) -> str:
    """MLflow's experiment of a sweep that was sent there."""
    return str((read_json_or_none(folder.mirror_file) or {}).get("experiment", ""))


def run_ids(folder: SweepFolder) -> dict[str, str]:
    """Trial key -> MLflow run id, as of the last sync."""
    runs: dict[str, str] = (read_json_or_none(folder.mirror_file) or {}).get("runs", {})
    return runs
