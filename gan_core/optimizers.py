"""torch's Adam and AdamW, without torch's compiler: nothing here is compiled, and importing it takes seconds."""

from __future__ import annotations

import inspect
from typing import Any

import torch

METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _step_of(kind: type[torch.optim.Optimizer]) -> Any:
    """Its step as it is written. torch wraps it to tell `torch._dynamo` of the change to no gradients, and imports that
    for it (900 modules, 1.5 s of CPU, in every worker)."""
    return torch.no_grad()(inspect.unwrap(kind.step))


class Adam(torch.optim.Adam):
    step = _step_of(torch.optim.Adam)


class AdamW(torch.optim.AdamW):
    step = _step_of(torch.optim.AdamW)


def _leave_methods_alone() -> None:
    """Their wrapper (`torch._compile._disable_dynamo`) asks the compiler for a version that it leaves alone, and keeps
    the answer at the function. Where nothing is compiled the function itself is that answer. A torch that looks
    elsewhere imports its compiler as it would anyway.
    """
    for name in METHODS:
        method = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method


_leave_methods_alone()
