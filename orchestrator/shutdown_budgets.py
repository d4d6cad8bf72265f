"""How long each part of an orderly shutdown may take. All of them are here, because together they must fit.

Ctrl-C -> workers save their trials -> MLflow gets the rest -> the command exits.
"""

from __future__ import annotations

WORKER_GRACE_PERIOD = 5.0
"""Seconds that running trials have to end their step and save a checkpoint. After that their workers are killed."""
MLFLOW_GRACE_PERIOD = 4.0
"""Seconds that an interrupted sweep gives MLflow to take what it lacks."""
MLFLOW_LAST_CALL = 1.0
"""Seconds to mark the sweep's run in MLflow as killed. Only asked of an MLflow that has just taken everything."""
NOTIFICATION_LAST_CALL = 1.0
"""Seconds that the end of an interrupted sweep waits for `--notify`, if the limit leaves as much."""
NOTIFICATION_PERIOD = 20.0
"""Seconds that the end of a finished sweep waits for it."""
SHUTDOWN_LIMIT = 10.0
"""Seconds after the first signal until the command exits, whatever it still waits for."""
RAY_JOB_GRACE_PERIOD = 15
"""Seconds that Ray gives a stopped job before it kills it: the job's command has to reach its own limit first."""

assert WORKER_GRACE_PERIOD + MLFLOW_GRACE_PERIOD + MLFLOW_LAST_CALL <= SHUTDOWN_LIMIT < RAY_JOB_GRACE_PERIOD
