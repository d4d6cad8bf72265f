"""The mirror of a plan, in an MLflow store of its own."""

from __future__ import annotations

from pathlib import Path

from gan_core.identity import effective_settings
from orchestrator.mirror import Mirror
from orchestrator.plan import Plan


def mirror_of(plan: Plan, home: Path) -> Mirror:
    settings = {
        p.key: {**effective_settings(p.config), "data.fingerprint": p.fingerprint, "seed": p.trial.seed}
        for p in plan.trials
    }
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    return Mirror(plan.folder, f"sqlite:///{home / 'mlflow.db'}", plan.document(), settings)


def mirrored(plan: Plan, home: Path) -> Mirror:
    """It has sent everything that the folder holds."""
    mirror = mirror_of(plan, home)
    mirror.open()
    mirror.sync()
    return mirror
