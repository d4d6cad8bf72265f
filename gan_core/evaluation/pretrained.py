"""The file of a pretrained network's weights (`evaluation.weights`): whether it is there and whole. Imports no torch.

The networks are torch-fidelity's, an optional extra: `pip install 'gan-orchestrator[inception]'`. Nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from gan_core.data.preprocessing import DataError
from gan_core.regular_files import NotRegularFile, open_regular


def check(kind: str, weights: Path) -> str:
    """12 hex digits of the file's SHA-256. Raises DataError if torch-fidelity or the file is missing, or it is altered.

    As with torch.hub, a file name that ends in `-6726825d.pth` states the first digits of the hash.
    """
    if not _is_installed("torch_fidelity"):
        message = f"features: {kind} needs torch-fidelity; pip install 'gan-orchestrator[inception]'"
        raise DataError("evaluation.features", message)
    try:
        with open_regular(weights) as file:
            status = os.fstat(file.fileno())
        digest = _digest(weights, status.st_size, status.st_mtime_ns)
    except NotRegularFile as error:
        raise DataError("evaluation.weights", f"{weights} is {error}") from None
    except OSError as error:
        raise DataError("evaluation.weights", f"{weights} cannot be read ({error.strerror})") from None
    stated = re.search(r"-([0-9a-f]{8,64})\.\w+$", weights.name)
    if stated and not digest.startswith(stated[1]):
        message = f"{weights} has sha256 {digest[:8]}..., but its name says {stated[1]}: it is damaged, or another file"
        raise DataError("evaluation.weights", message)
    return digest[:12]


@cache
def _digest(weights: Path, size: int, changed: int) -> str:
    """Once for all trials of a sweep: the largest file has 4.5 GB."""
    with open_regular(weights) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # None in sys.modules: an import of it fails
        return False
