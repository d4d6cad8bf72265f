"""The shapes of a DINOv2 network's weights, read from the file that torch has saved: without torch, and no code is run.

Such a file is a zip archive with a pickle, `NAME/data.pkl`, that names each tensor with its shape; the numbers lie in
other members. Files: https://github.com/facebookresearch/dinov2 (`dinov2_vits14_pretrain.pth` and larger ones).
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from math import isqrt
from pathlib import Path
from typing import Any

from gan_core.data.preprocessing import DataError
from gan_core.error_text import first_line

PATCH = 14
HEAD_WIDTH = 64
"""Of every published network: 384, 768, 1024 and 1536 features in 6, 12, 16 and 24 heads."""


def width(weights: Path) -> int:
    """The number of features. Raises DataError if the file does not hold a DINOv2 network without registers."""
    try:
        shapes = _shapes(weights)
        if "register_tokens" in shapes:
            raise ValueError("it has register tokens; use the file without _reg4 in its name")
        batch, tokens, features = shapes["pos_embed"]
        expected = {"patch_embed.proj.weight": (features, 3, PATCH, PATCH), "blocks.0.ls1.gamma": (features,)}
        others = [name for name, shape in expected.items() if shapes[name] != shape]
        is_square = tokens > 1 and isqrt(tokens - 1) ** 2 == tokens - 1
        if others or batch != 1 or features < HEAD_WIDTH or features % HEAD_WIDTH or not is_square:
            raise ValueError(f"{others[0] if others else 'pos_embed'} has another shape")
    except KeyError as error:
        raise _refused(weights, f"it has no {error.args[0]}") from None
    except Exception as error:  # whatever a damaged archive or pickle makes zipfile and pickle raise
        raise _refused(weights, first_line(error)) from None
    return int(features)


def _refused(weights: Path, reason: str) -> DataError:
    return DataError("evaluation.weights", f"{weights} does not hold the weights of a DINOv2 ViT ({reason})")


def _shapes(weights: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(weights) as archive:
        (content,) = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        with archive.open(content) as file:
            state = _ShapeUnpickler(file).load()
    if not isinstance(state, dict):
        raise ValueError("it is not a state_dict")
    return {str(name): tuple(shape) for name, shape in state.items()}


READERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, *rest: shape,
    ("torch._utils", "_rebuild_parameter"): lambda shape, *rest: shape,
}


class _ShapeUnpickler(pickle.Unpickler):
    """Reads a tensor as its shape. Anything that is not a dict of tensors is an error."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name.endswith("Storage"):
            return name
        if (module, name) not in READERS:
            raise pickle.UnpicklingError(f"it has a {module}.{name}")
        return READERS[module, name]

    def persistent_load(self, pid: Any) -> None:
        return None
