"""<home>/kernels/<processor>, torch <version>.json: how long operations of a layer take on this kind of processor.

Measured once by the first trial of the home that needs it, so that all trials of the home that train on such a
processor choose alike, and equal seeds give equal numbers.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import torch
from filelock import FileLock
from pydantic import Field, TypeAdapter, ValidationError

from gan_core.files import remove_temporary
from gan_core.networks import kernel_choice
from gan_core.networks.kernel_choice import LayerShape
from gan_core.networks.matrix_products import Operation
from orchestrator.environment import cpu_model
from orchestrator.store.json_files import read_json_or_none, write_json

_Seconds = Annotated[list[float], Field(min_length=2, max_length=2)]
_CONTENT: TypeAdapter[dict[str, dict[Operation, list[float]]]] = TypeAdapter(dict[str, dict[Operation, _Seconds]])


class KernelFile:
    """Called with a shape it returns what `kernel_choice.measure` does, measured if the file does not have it yet.

    If two processes want to measure, one waits for the other. Nothing is kept if `home` is None or cannot be written:
    it may be another user's.
    """

    def __init__(self, home: Path | None):
        name = re.sub(r"[^\w.,+@ ()-]", "_", f"{cpu_model()}, torch {torch.__version__}")
        self.file = None if home is None else home / "kernels" / f"{name}.json"
        self._known = dict[str, dict[Operation, list[float]]]()

    def __call__(self, shape: LayerShape) -> dict[Operation, list[float]]:
        name = str(shape)
        if name not in self._known and self.file:  # it is replaced as a whole, so it is read without the lock
            self._known |= _whole(read_json_or_none(self.file))
            if name not in self._known:
                with suppress(OSError):
                    self._measure_and_keep(self.file, shape)
        if name not in self._known:
            self._known[name] = kernel_choice.measure(shape)
        return self._known[name]

    def _measure_and_keep(self, file: Path, shape: LayerShape) -> None:
        """Raises OSError, then nothing is kept."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.parent / "lock"):
            self._known |= _whole(read_json_or_none(file))
            if str(shape) not in self._known:
                remove_temporary(file.parent)
                self._known[str(shape)] = kernel_choice.measure(shape)
                write_json(file, self._known)


def _whole(content: Any) -> dict[str, dict[Operation, list[float]]]:
    """What is as `measure` returns it; anything else is measured anew."""
    try:
        return _CONTENT.validate_python(content, strict=True)
    except ValidationError:
        return {}
