"""Each purpose draws from its own random stream, so that a toggle changes its own draws only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gan_core.config import TrialConfig
from gan_core.datasets import ImageSet
from gan_core.streams import NAMES, Streams
from gan_core.training import Trainer

Small = Callable[..., TrialConfig]
NOISE = {"stabilizers.instance_noise.std": 0.1}
SMOOTHING = {"stabilizers.label_smoothing": 0.1}
PENALTY = {"loss.gradient_penalty": 1.0}


@pytest.mark.parametrize(
    ("family", "toggle", "own"),
    [
        *((family, NOISE, {"noise"}) for family in ("dcgan", "acgan", "wgan_gp")),
        *((family, SMOOTHING, set()) for family in ("dcgan", "acgan")),
        *((family, PENALTY, {"mixing"}) for family in ("dcgan", "acgan", "wgan_gp")),
    ],
)
def test_toggled_stabiliser_leaves_every_other_draw_as_it_was(
    small: Small, few: ImageSet, family: str, toggle: dict[str, float], own: set[str]
) -> None:
    states = []
    for settings in (dict.fromkeys(toggle, 0.0), toggle):
        trainer = Trainer(small({"model.family": family} | settings), few)
        for _ in range(3):
            trainer.step()
        states.append(trainer.streams.state_dict() | {"order": trainer._order})
    off, on = states
    assert {name for name in off if not torch.equal(off[name], on[name])} == own


def test_default_generator_is_put_back_and_the_stream_goes_on() -> None:
    torch.manual_seed(7)
    outside = torch.rand(3)
    torch.manual_seed(7)
    streams, again = Streams(0, torch.device("cpu")), Streams(0, torch.device("cpu"))
    with streams.as_default("layers"):
        first = torch.rand(2)
    assert torch.equal(torch.rand(3), outside)
    with streams.as_default("layers"):
        second = torch.rand(2)
    with again.as_default("layers"):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))


def test_streams_of_other_names_and_seeds_are_other_streams() -> None:
    draws = {
        (seed, name): torch.rand(1, generator=Streams(seed, torch.device("cpu"))[name]).item()
        for seed in (0, 1)
        for name in NAMES
    }
    assert len(set(draws.values())) == 2 * len(NAMES)
