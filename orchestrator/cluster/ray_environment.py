"""Ray's environment variables and the connection to a cluster.

Ray reads its environment when it is imported, so it is imported late, after the environment is prepared.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line
from orchestrator.cluster import left_out
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
    "RAY_agent_register_timeout_ms": "300000",
}
"""For a local Ray, beside that. The first makes it listen on loopback alone, on every system. The third starts no
workers with the node: `ray.init` would wait for them in C++, where no signal is heard (see `warm_workers`). The last
lets the node's agent start slowly: on a busy machine a node has died of that."""
DEFAULT_TOKEN = Path("~/.ray/auth_token")
"""Where Ray looks for a token that the environment does not name."""
INIT_OPTIONS: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
"""Arguments of `ray.init` that let Ray print only errors."""


def has_token() -> bool:
    """Whether Ray finds a token for clusters that require one, in its environment or in the user's home."""
    return "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ or DEFAULT_TOKEN.expanduser().is_file()


def check_token_file() -> None:
    """Raises UserError if others can read the file that Ray takes the cluster's token from."""
    if "RAY_AUTH_TOKEN" in os.environ or not has_token():
        return
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or DEFAULT_TOKEN).expanduser()
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        raise UserError(
            f"the cluster's token in {file} cannot be read ({error.strerror}); see RAY_AUTH_TOKEN_PATH"
        ) from None
    if mode & 0o077:
        raise UserError(
            f"others can read the cluster's token in {file} (its mode is {mode:04o}), and whoever has it runs programs "
            f"as you; chmod 600 {file}, and make a new token if somebody may have read it"
        )


def prepare_local() -> None:
    """Prepare the environment for a local Ray with a token of its own.

    Raises UserError if this process uses another Ray, which would end when this one starts.
    """
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        raise UserError("this process uses a Ray already, and a sweep starts its own: run it in a process without one")
    _set_defaults()
    os.environ |= {**LOCAL_ENVIRONMENT, "RAY_AUTH_TOKEN": _token_of_this_process()}
    os.environ.pop("RAY_ADDRESS", None)


@cache
def _token_of_this_process() -> str:
    """Ray reads it once a process, so a second sweep of a program has it, too."""
    return secrets.token_hex(32)


def prepare_to_join() -> None:
    """Prepare the environment to join a cluster: `ray start` finds a token by itself, `ray.init` does not.

    Raises UserError if others can read the token.
    """
    check_token_file()
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

    left_out.leave_out_events()
    if address == "auto":
        address = _own_cluster() or address
    try:
        ray.init(address=address, **INIT_OPTIONS)
    except Exception as error:
        raise UserError(f"no Ray cluster at {address} ({first_line(error)}); check `ray status` there") from None
    return ray


def _own_cluster() -> str | None:
    """The address of the cluster that this user's `docker/start/head.sh` runs here; None if there is none.

    Ray's "auto" would look for it in the folder that all users of the machine share, and then take any Ray.
    """
    folder = Path(os.environ.get("TEMP_DIR") or "/tmp") / f"ray-{os.getuid()}"
    file = folder / "ray" / "ray_current_cluster"
    try:
        return file.read_text().strip() if folder.stat().st_uid == os.getuid() else None
    except OSError:
        return None
