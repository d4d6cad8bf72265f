"""Feature matching by hand, and as a part of G's loss."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.networks.convolution import Conv2d
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import feature_matching
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


def test_distance_is_that_of_the_mean_features() -> None:
    fake, real = torch.tensor([[0.0, 2.0], [2.0, 4.0]]), torch.tensor([[4.0, 3.0]])  # means 1, 3 and 4, 3
    assert feature_matching.distance(fake, real).item() == pytest.approx((3**2 + 0) / 2)


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
@pytest.mark.parametrize("networks", ["standard", "original"])
def test_features_are_what_the_last_layer_is_given(small: Small, few: ImageSet, family: str, networks: str) -> None:
    trainer = Trainer(small({"model.family": family, "model.networks": networks}), few)
    discriminator = trainer.discriminator
    last = (
        discriminator.real if family == "acgan" else [m for m in discriminator.modules() if isinstance(m, Conv2d)][-1]
    )
    given: list[Tensor] = []
    last.register_forward_hook(lambda _m, inputs, _o: given.append(inputs[0].flatten(1)))
    output = discriminator(torch.randn(3, 1, 32, 32))
    assert torch.equal(output.features, given[0]) and output.features.shape[0] == 3


def test_generator_pays_for_features_of_the_real_images_of_the_last_update(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.feature_matching": 2.0, "model.init": "pytorch"}), few)
    features: list[Tensor] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: features.append(output.features.detach()))
    row = next(row for row in trainer.step().rows if "loss/generator" in row)
    distance = (features[2].mean(0) - features[3].mean(0)).square().mean().item()
    assert row["loss/feature_matching"] == pytest.approx(distance, rel=1e-4) and distance > 0
    whole = row["loss/generator_adversarial"] + 2.0 * row["loss/feature_matching"]
    assert row["loss/generator"] == pytest.approx(whole, rel=1e-5)


def test_discriminator_without_features_is_refused(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"stabilizers.feature_matching": 2.0}), few)
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: DiscriminatorOutput(output.logits))
    with pytest.raises(ValueError, match="no features to match"):
        trainer.step()
