"""torch's optimisers, without importing torch's compiler: that takes seconds, and nothing here is compiled."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _step_of(kind: type[torch.optim.Optimizer]) -> Any:
    """The plain `step` of an optimiser. torch wraps it in a decorator for its compiler, which imports `torch._dynamo`
    (900 modules, 1.5 s of CPU time, in every worker)."""
    return torch.no_grad()(inspect.unwrap(kind.step))


class Adam(torch.optim.Adam):
    step = _step_of(torch.optim.Adam)


class AdamW(torch.optim.AdamW):
    step = _step_of(torch.optim.AdamW)


class RMSprop(torch.optim.RMSprop):
    step = _step_of(torch.optim.RMSprop)


class SGD(torch.optim.SGD):
    """torch's SGD, which also counts its steps as the other optimisers do: `state[weight]["step"]`."""

    _plain_step = _step_of(torch.optim.SGD)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self._plain_step(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    state = self.state[weight]
                    if "step" not in state:
                        state["step"] = torch.zeros((), device=weight.device)
                    state["step"].add_(1)


class MovingAdam(torch.optim.Optimizer):
    """Adam and AdamW whose learning rate and betas are tensors, so that they may change while a CUDA graph is replayed.

    torch's fused Adam reads betas as numbers of Python. As in torch, and so in the code of Huang et al. 2024, a step
    corrects the bias with the betas of that step: 1 - beta^t. All weights must have been updated equally often.

    lr: float32 scalar on the device of the weights. betas: two of them. decoupled: AdamW's weight decay.
    """

    def __init__(self, params: Any, lr: Tensor, betas: tuple[Tensor, Tensor], weight_decay: float, decoupled: bool):
        defaults = {"lr": lr, "betas": betas, "eps": 1e-8, "weight_decay": weight_decay, "decoupled": decoupled}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            self._step(group, [weight for weight in group["params"] if weight.grad is not None])

    def _step(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
        gradients = [weight.grad for weight in weights]
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {
                    "step": torch.zeros((), device=weight.device),
                    "exp_avg": torch.zeros_like(weight),
                    "exp_avg_sq": torch.zeros_like(weight),
                }
        steps, means, squares = (
            [self.state[weight][name] for weight in weights] for name in ("step", "exp_avg", "exp_avg_sq")
        )
        torch._foreach_add_(steps, 1)
        if decay and group["decoupled"]:
            torch._foreach_mul_(weights, 1 - lr * decay)
        elif decay:
            gradients = list(torch._foreach_add(gradients, weights, alpha=decay))  # type: ignore[arg-type]
        _move(means, gradients, 1 - beta1)
        _move(squares, torch._foreach_mul(gradients, gradients), 1 - beta2)  # type: ignore[arg-type]
        roots = list(torch._foreach_sqrt(squares))
        torch._foreach_div_(roots, (1 - beta2 ** steps[0]).sqrt())
        torch._foreach_add_(roots, group["eps"])
        updates = torch._foreach_div(means, roots)
        torch._foreach_mul_(updates, -lr / (1 - beta1 ** steps[0]))
        torch._foreach_add_(weights, updates)


def _move(averages: list[Tensor], values: Any, share: Tensor) -> None:
    """Moves each average towards its value by `share`, a scalar on the device."""
    differences = torch._foreach_sub(values, averages)
    torch._foreach_mul_(differences, share)
    torch._foreach_add_(averages, differences)


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
