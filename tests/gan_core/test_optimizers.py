"""torch's own optimizers, without its compiler."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import torch
from support.commands import program

from gan_core import optimizers


def test_training_imports_no_compiler() -> None:
    """Every kind of step, an evaluation by a classifier that is trained first, and a state that is saved and read."""
    done = subprocess.run(program("without_compiler"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_it_does_what_torchs_own_does_to_the_last_bit(name: str) -> None:
    def trained(kind: Any) -> tuple[torch.Tensor, dict[str, Any]]:
        torch.manual_seed(0)
        weights = torch.nn.Parameter(torch.randn(7, 5))
        optimizer = kind([weights], lr=0.1, weight_decay=0.01, betas=(0.5, 0.9), fused=True)
        for _ in range(3):
            optimizer.zero_grad()
            (weights**2).sum().backward()
            optimizer.step()
        assert weights.requires_grad and weights.grad_fn is None
        return weights.detach(), optimizer.state_dict()

    (ours, our_state), (theirs, their_state) = trained(getattr(optimizers, name)), trained(getattr(torch.optim, name))
    assert torch.equal(ours, theirs)
    assert our_state["param_groups"] == their_state["param_groups"]
    for key, value in their_state["state"][0].items():
        assert torch.equal(our_state["state"][0][key], value)
