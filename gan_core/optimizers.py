"""torch's Adam and AdamW, without importing torch's compiler: that takes seconds, and nothing here is compiled."""

from __future__ import annotations

import inspect
from typing import Any

import torch

METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _step_of(kind: type[torch.optim.Optimizer]) -> Any:
    """The plain `step` of an optimiser. torch wraps it in a decorator for its compiler, which imports `torch._dynamo`
    (900 modules, 1.5 s of CPU time, in every worker)."""
    return torch.no_grad()(inspect.unwrap(kind.step))


class Adam(torch.optim.Adam):
    step = _step_of(torch.optim.Adam)


class AdamW(torch.optim.AdamW):
    step = _step_of(torch.optim.AdamW)


def _skip_compiler_import() -> None:
    """Keeps `torch._compile._disable_dynamo`, the decorator of these methods, from importing the compiler.

    On its first call the decorator asks the compiler for a version of the method that is never compiled, and stores it
    in the attribute `__dynamo_disable`. Without a compiler that version is the method itself, so it is stored here
    beforehand. If a version of torch uses another attribute, it only imports its compiler as usual.
    """
    for name in METHODS:
        method = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, "__dynamo_disable"):
            method.__dynamo_disable = method


_skip_compiler_import()
