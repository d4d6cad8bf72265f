"""Whether NVIDIA's Multi-Process Service (MPS) runs here: with it, processes compute on one GPU at the same time.

Its control daemon makes the socket `control` in a folder that programs find by an environment variable (NVIDIA,
"Multi-Process Service", appendix "Environment Variables"). A daemon that has ended leaves the socket behind.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CUDA_MPS_PIPE_DIRECTORY"
DEFAULT_FOLDER = "/tmp/nvidia-mps"
ROOT = 0
"""A daemon of root serves every user, one after another; that of another user serves this user alone."""


@dataclass(frozen=True)
class MpsDaemon:
    """`folder`: of its socket. `runs`: whether a daemon listens there. `other_user`: who it serves alone; may be ""."""

    folder: str
    runs: bool
    other_user: str = ""


def find(environment: Mapping[str, str]) -> MpsDaemon:
    """The daemon that a CUDA program with these variables would ask. Nothing is started, and no daemon is disturbed."""
    folder = Path(environment.get(VARIABLE) or DEFAULT_FOLDER)
    try:
        owner = (folder / "control").stat().st_uid
        runs = _listens(folder / "control")
    except PermissionError:
        return MpsDaemon(str(folder), runs=True, other_user="another user")
    except OSError:
        return MpsDaemon(str(folder), runs=False)
    is_served = not runs or owner in (ROOT, os.getuid())
    return MpsDaemon(str(folder), runs, "" if is_served else _name_of(owner))


def _listens(path: Path) -> bool:
    """Whether a process listens on a Unix socket. Raises PermissionError.

    The daemon's socket is not one of datagrams, so the system refuses the connection itself, and says why: that the
    socket has another type, or that nobody has it open.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(path))
        except PermissionError:
            raise
        except OSError as error:
            return error.errno == errno.EPROTOTYPE
    return True


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # of a container or another machine
        return str(user)
