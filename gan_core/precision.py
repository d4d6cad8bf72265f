"""What numbers a network is trained in."""

from __future__ import annotations

import torch


def resolve_precision(precision: str, device: torch.device) -> str:
    """`auto` -> bfloat16 where `device` computes in it natively, else float32."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device)[0] >= 8
    else:
        native = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"
