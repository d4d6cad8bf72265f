"""Steps as CUDA graphs: what a recording needs of a step, anywhere; the recording itself, where there is a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.training.cuda_graph import WARM_UP_STEPS, SavedState, StepGraph
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
MOST = {
    "stabilizers.instance_noise": {"std": 0.2, "anneal": True},
    "stabilizers.label_smoothing": 0.1,
    "stabilizers.label_flipping": 0.1,
    "stabilizers.dragan": 1.0,
    "stabilizers.diff_augment": True,
    "stabilizers.spectral_norm": True,
    "stabilizers.minibatch_std": True,
    "stabilizers.packing": 2,
    "stabilizers.ema": 0.9,
}
TRIALS: list[dict[str, Any]] = [
    {"model.family": "dcgan"},
    {"model.family": "dcgan"} | MOST,
    {"model.family": "dcgan", "loss.n_critic": 2, "loss.name": "hinge"},
    {"model.family": "acgan"},
    {"model.family": "acgan", "model.networks": "original"},
    {"model.family": "wgan_gp"},
    {
        "model.family": "r3gan",
        "batch_size": 8,
        "optimizer.schedule": {"lr": "cosine", "warm_up": 2, "beta2": 0.9},
        "stabilizers.ada": 0.6,
        "stabilizers.bcr": 10.0,
        "stabilizers.feature_matching": 1.0,
    },
    {
        "model.family": "sngan_projection",
        "model.width": 4,
        "batch_size": 8,
        "loss.n_critic": 1,
        "accumulate": 2,
        "data.flip": True,
        "stabilizers.cr": 10.0,
        "stabilizers.top_k": 0.5,
    },
]
NAMES = (
    *("dcgan", "dcgan stabilised", "dcgan with two updates", "acgan", "acgan original", "wgan_gp"),
    *("r3gan regularised", "sngan_projection regularised"),
)
trials = pytest.mark.parametrize("settings", TRIALS, ids=NAMES)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of NVIDIA's")


class Waits(TorchDispatchMode):
    """Notes what would make a processor wait for its GPU: reading a tensor, making one from numbers of Python's."""

    KINDS = ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "_unique2", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        name = function.__name__.partition(".")[0]
        if name in self.KINDS:
            self.found.append(name)
        return function(*arguments, **(named or {}))


def taken(trainer: Trainer, steps: int) -> Tensor:
    """What the updates of some more steps measured, [steps, names], each with its own images and noise."""
    rows = []
    for _ in range(steps):
        trainer.updates.set_inputs(trainer.step_count)
        rows.append(torch.stack([value.float() for value in trainer._run_updates().means.values()]))
        trainer.step_count += 1
    return torch.stack(rows)


@trials
def test_nothing_in_an_update_waits_for_the_device(small: Small, few: ImageSet, settings: dict[str, Any]) -> None:
    trainer = Trainer(small(settings | {"steps": 9}), few)
    trainer.step()
    trainer.updates.set_inputs(trainer.step_count)
    with Waits() as waits:
        trainer.updates.update_both()
    assert waits.found == []


def test_what_would_wait_is_noticed() -> None:
    with Waits() as waits:
        float(torch.ones(2).sum())
        torch.tensor([1.0, 0.0])
    assert waits.found == ["_local_scalar_dense", "lift_fresh"]


@trials
def test_a_step_changes_only_what_it_says_it_changes(small: Small, few: ImageSet, settings: dict[str, Any]) -> None:
    """From the same tensors, streams and inputs the updates are the same again, whatever Python has counted since."""
    trainer = Trainer(small(settings | {"steps": 9}), few)
    taken(trainer, 2)
    trainer.updates.set_inputs(trainer.step_count)
    before = SavedState(trainer.updates.changed_tensors(), trainer.streams)
    once = trainer.updates.update_both()
    trainer.step_count += 3
    before.restore()
    again = trainer.updates.update_both()
    assert all(torch.equal(once.means[name], again.means[name]) for name in once.means)


@needs_gpu
@trials
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_replayed_steps_equal_those_called(
    small: Small, few: ImageSet, settings: dict[str, Any], precision: str
) -> None:
    config = small(settings | {"steps": 99, "precision": precision})
    recorded, called = Trainer(config, few, "cuda"), Trainer(config, few, "cuda", use_cuda_graph=False)
    ours, theirs = taken(recorded, WARM_UP_STEPS + 4), taken(called, WARM_UP_STEPS + 4)
    assert recorded.applied()["cuda_graph"] == "replayed"
    torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)


@needs_gpu
def test_a_checkpoint_goes_on_as_the_recording_would_have(small: Small, few: ImageSet) -> None:
    config = small({"steps": 99})
    whole = Trainer(config, few, "cuda")
    taken(whole, WARM_UP_STEPS + 3)
    resumed = Trainer(config, few, "cuda")
    resumed.load_state_dict(whole.state_dict())
    torch.testing.assert_close(taken(resumed, WARM_UP_STEPS + 3), taken(whole, WARM_UP_STEPS + 3), rtol=0.05, atol=0.05)


@needs_gpu
def test_a_step_that_cannot_be_recorded_is_called_as_it_is(small: Small, few: ImageSet) -> None:
    trainer, plain = (
        Trainer(small({"steps": 99}), few, "cuda", use_cuda_graph=use_cuda_graph) for use_cuda_graph in (True, False)
    )
    real = trainer.updates.update_both

    def waiting() -> Any:
        measured = real()
        float(measured.means["loss/generator"])  # waits for the device
        return measured

    trainer._run_updates = StepGraph(
        waiting, trainer.updates.changed_tensors, trainer.streams, list(trainer.optimizers.values())
    )
    ours = taken(trainer, WARM_UP_STEPS + 3)
    assert trainer.applied()["cuda_graph"].startswith("none: ")
    torch.testing.assert_close(ours, taken(plain, WARM_UP_STEPS + 3), rtol=0.05, atol=0.05)
