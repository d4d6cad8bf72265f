"""Each purpose draws from its own random stream, so that a toggle changes its own draws only."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.random_streams import NAMES, Streams
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
ALL = ("dcgan", "acgan", "wgan_gp")
TOGGLES: list[tuple[str, Any, tuple[str, ...], set[str]]] = [
    ("stabilizers.instance_noise.std", 0.1, ALL, {"noise"}),
    ("stabilizers.label_smoothing", 0.1, ("dcgan", "acgan"), set()),
    ("stabilizers.label_flipping", 0.2, ("dcgan", "acgan"), {"flips"}),
    ("loss.gradient_penalty", 1.0, ALL, {"mixing"}),
    ("stabilizers.r1", 1.0, ("dcgan",), set()),
    ("stabilizers.r1", 1.0, ("acgan",), {"mixing"}),  # the dropout of its D, when D is differentiated
    ("stabilizers.dragan", 1.0, ("dcgan", "acgan"), {"mixing"}),
    ("stabilizers.spectral_norm", True, ALL, set()),
    ("stabilizers.ema", 0.9, ALL, set()),
    ("stabilizers.diff_augment", True, ALL, {"augment"}),
    ("stabilizers.minibatch_std", True, ALL, set()),
    ("stabilizers.packing", 2, ("dcgan",), set()),
    ("stabilizers.packing", 2, ("wgan_gp",), {"mixing"}),  # an epsilon a pack
    ("stabilizers.r2", 1.0, ("dcgan",), set()),
    ("stabilizers.ada", 0.6, ("dcgan", "acgan"), {"ada"}),
    ("stabilizers.cr", 1.0, ALL, {"consistency"}),
    ("stabilizers.bcr", 1.0, ALL, {"consistency"}),
    ("stabilizers.top_k", 0.5, ALL, set()),
    ("stabilizers.feature_matching", 1.0, ("dcgan",), set()),
    ("stabilizers.feature_matching", 1.0, ("acgan",), {"matching"}),  # the dropout of its D
    ("loss.name", "rpgan", ("dcgan",), set()),
    ("loss.name", "ragan", ("acgan",), {"matching"}),
    ("model.discriminator_norm", "layer", ALL, set()),
    ("data.flip", True, ALL, {"mirror"}),
    ("accumulate", 4, ("dcgan", "wgan_gp"), set()),
    ("loss.sum_of_halves", True, ("dcgan", "acgan"), set()),
]


StatesAfter = Callable[..., dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def states_after(small: Small, few: ImageSet) -> StatesAfter:
    """The states of all streams after two steps of a family with these settings, trained once."""

    @cache
    def states(family: str, **settings: Any) -> dict[str, torch.Tensor]:
        trainer = Trainer(small({"model.family": family, "loss.n_critic": 2} | settings), few)
        for _ in range(2):
            trainer.step()
        return trainer.streams.state_dict() | {"order": trainer.batches.state_dict()["order"]}

    return states


@pytest.mark.parametrize(
    ("family", "path", "value", "own"),
    [(family, path, value, own) for path, value, families, own in TOGGLES for family in families],
)
def test_toggled_stabiliser_leaves_every_other_draw_as_it_was(
    states_after: StatesAfter, family: str, path: str, value: Any, own: set[str]
) -> None:
    plain = {"loss.gradient_penalty": 0.0} if path == "loss.gradient_penalty" else {}
    off, on = (states_after(family, **settings) for settings in (plain, {path: value}))
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
