"""A sweep's folder as a real MLflow store has it."""

from __future__ import annotations

from pathlib import Path

from gan_core.identity import effective_settings
from orchestrator.plan import Plan
from orchestrator.tracking import Mirror


def mirrored(plan: Plan, home: Path) -> Mirror:
    """Sends everything that the folder holds to the SQLite store of `home`."""
    settings = {
        p.key: {**effective_settings(p.config), "data.fingerprint": p.fingerprint, "seed": p.trial.seed}
        for p in plan.trials
    }
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    mirror = Mirror(plan.folder, f"sqlite:///{home / 'mlflow.db'}", plan.document(), settings)
    mirror.open()
    mirror.sync()
    return mirror
