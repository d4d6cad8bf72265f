"""Ray's environment variables and the connection to a cluster.

Ray reads its environment when it is imported, so it is imported late, after the environment is prepared.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line
from orchestrator.errors import UserError

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never restored
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the sweep has its own, which also takes SIGTERM
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ROTATION_MAX_BYTES": str(10 * 1000**2),  # else each of its logs may grow to 512 MB, five times over
    "RAY_ROTATION_BACKUP_COUNT": "1",
}
"""For every Ray that a command uses; what the user has set counts."""
LOCAL_ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_prestart_worker_first_driver": "0",
}
"""For a local Ray, beside that. The first makes it listen on loopback alone, on every system. The last starts no
workers before they are requested: Tune's have an environment of their own, so others would stay idle (0.5 s of CPU and
84 MB each)."""
INIT_OPTIONS: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
"""Of `ray.init`: Ray prints only errors."""


def has_token() -> bool:
    """Whether Ray finds a token for clusters that require one, in its environment or in the user's home."""
    is_named = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return is_named or (Path.home() / ".ray" / "auth_token").is_file()


def prepare_local() -> None:
    """Prepare the environment for a local Ray with a token of its own."""
    _set_defaults()
    os.environ |= {**LOCAL_ENVIRONMENT, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    os.environ.pop("RAY_ADDRESS", None)


def prepare_to_join() -> None:
    """Prepare the environment to join a cluster: `ray start` finds a token by itself, `ray.init` does not."""
    _set_defaults()
    if has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _set_defaults() -> None:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def join(address: str) -> Any:
    """Connect to the cluster at `address`; returns the module `ray`. Raises UserError if there is none."""
    prepare_to_join()
    import ray

    suppress_events()
    try:
        ray.init(address=address, **INIT_OPTIONS)
    except Exception as error:
        raise UserError(f"no Ray cluster at {address} ({first_line(error)}); check `ray status` there") from None
    return ray


def suppress_events() -> None:
    """Keep Ray from printing what happens to nodes and workers into our output, which `log_to_driver` does not.

    There is no setting for it (`listen_error_messages`, ray 2.60); this is how Ray's own debugger does it.
    """
    from ray._private import worker

    worker._worker_logs_enabled = False
