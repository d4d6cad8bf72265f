"""torch's own optimizers, without its compiler."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import torch
from support.commands import program

from gan_core import optimizers
from gan_core.config.optimizer_sections import OptimizerConfig
from gan_core.training import player_optimizer


def test_training_imports_no_compiler() -> None:
    """Every kind of step, an evaluation by a classifier that is trained first, and a state that is saved and read."""
    done = subprocess.run(program("without_compiler"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SETTINGS: dict[str, dict[str, Any]] = {
    "Adam": {"betas": (0.5, 0.9), "fused": True},
    "AdamW": {"betas": (0.5, 0.9), "fused": True},
    "RMSprop": {"momentum": 0.5},
    "SGD": {"momentum": 0.5, "fused": True},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_it_does_what_torchs_own_does_to_the_last_bit(name: str) -> None:
    def trained(kind: Any) -> tuple[torch.Tensor, dict[str, Any]]:
        torch.manual_seed(0)
        weights = torch.nn.Parameter(torch.randn(7, 5))
        optimizer = kind([weights], lr=0.1, weight_decay=0.01, **SETTINGS[name])
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


@pytest.mark.parametrize("decoupled", [False, True])
def test_moving_adam_is_torchs_with_other_betas_and_rates_in_each_step(decoupled: bool) -> None:
    """As Huang et al. 2024 train: torch's Adam, whose `betas` and `lr` are set before each step."""
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.randn(4, 3)) for _ in range(2))
    theirs.data.copy_(ours.data)
    lr, betas = torch.tensor(0.0), (torch.tensor(0.0), torch.tensor(0.0))
    moving = optimizers.MovingAdam([ours], lr, betas, weight_decay=0.1, decoupled=decoupled)
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    plain = kind([theirs], lr=0.1, betas=(0.5, 0.9), weight_decay=0.1)
    for rate, beta1, beta2 in ((0.1, 0.5, 0.9), (0.05, 0.4, 0.95), (0.02, 0.0, 0.99)):
        for tensor, value in zip((lr, *betas), (rate, beta1, beta2), strict=True):
            tensor.fill_(value)
        plain.param_groups[0] |= {"lr": rate, "betas": (beta1, beta2)}
        for weights, optimizer in ((ours, moving), (theirs, plain)):
            optimizer.zero_grad()
            ((weights - 1) ** 3).sum().backward()
            optimizer.step()
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert moving.state[ours]["step"] == 3


@pytest.mark.parametrize("settings", [{"name": "rmsprop"}, {"schedule": {"beta2": 0.9}}])
def test_a_state_of_another_kind_of_device_counts_on_this_one(settings: dict[str, Any]) -> None:
    """As of a GPU, where the counts of steps may be part of a CUDA graph. The device `meta` stands for another one."""
    config = OptimizerConfig.model_validate(settings)
    optimizer, elsewhere = (
        player_optimizer.build(config, "generator", torch.nn.Linear(2, 2, device=device)) for device in ("cpu", "meta")
    )
    optimizer.param_groups[0]["params"][0].grad = torch.ones(2, 2)
    optimizer.step()
    state = optimizer.state_dict()
    state["param_groups"][0]["capturable"] = True
    player_optimizer.load_state(optimizer, state)
    assert not optimizer.param_groups[0].get("capturable") or settings.get("name") != "rmsprop"
    player_optimizer.load_state(elsewhere, state)
    (values,) = elsewhere.state.values()
    assert values["step"].device.type == "meta"
