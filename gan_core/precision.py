"""The number format that networks are trained in."""

from __future__ import annotations

import torch


def resolve_precision(precision: str, device: torch.device) -> str:
    """`auto` -> bfloat16 if `device` has hardware for it, else float32; other values as they are."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device)[0] >= 8
    else:
        native = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"
