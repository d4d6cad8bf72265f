"""The mirror of a plan, in an MLflow store of its own."""

from __future__ import annotations

from pathlib import Path

from orchestrator.mirror import Mirror
from orchestrator.plan import Plan
from orchestrator.store import write_json


def mirror_of(plan: Plan, home: Path, uri: str = "", rebuild: bool = False) -> Mirror:
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(plan.folder.sweep_file, plan.document())
    return Mirror(plan.folder, uri or f"sqlite:///{home / 'mlflow.db'}", plan.document(), rebuild)


def mirrored(plan: Plan, home: Path, uri: str = "", rebuild: bool = False) -> Mirror:
    """It has sent everything that the folder holds."""
    mirror = mirror_of(plan, home, uri, rebuild)
    mirror.open()
    mirror.sync()
    return mirror
