"""torch's own optimizers, without its compiler."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from gan_core import optimizers


def test_training_imports_no_compiler() -> None:
    """Every kind of step, an evaluation by a classifier that is trained first, and a state that is saved and read."""
    code = """
import sys
from pathlib import Path
from tempfile import mkdtemp
from gan_core.config import DataConfig, TrialConfig
from gan_core.datasets import load
from gan_core.evaluation import evaluator, features
from gan_core.training.trainer import Trainer
images = load(DataConfig(classes=(0, 1)))
cache = Path(mkdtemp()) / "classifier.pt"
common = {"data": {"classes": (0, 1)}, "batch_size": 8, "steps": 2, "evaluation": {"every": 1, "samples": 80}}
for own in (
    {"model": {"family": "dcgan", "width": 4}, "stabilizers": {"ema": 0.9, "spectral_norm": True, "r1": 1.0}},
    {"model": {"family": "acgan", "width": 4}},
    {"model": {"family": "wgan_gp", "width": 4}, "loss": {"n_critic": 1}},
):
    config = TrialConfig.model_validate(common | own)
    measure = evaluator.build(config.evaluation, images, features.classifier(images, cache))
    trainer = Trainer(config, images, "cpu", measure)
    trainer.step()
    trainer.load_state_dict(trainer.state_dict())
    trainer.step()
sys.exit("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
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
