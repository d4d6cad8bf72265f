"""The largest loss that a discriminator can have while it trains."""

from __future__ import annotations

import pytest

from gan_core.config.identity import unflatten
from gan_core.config.trial import TrialConfig
from gan_core.verdict.judge import judge
from gan_core.verdict.reference_values import max_loss, reference_values


@pytest.mark.parametrize(
    ("settings", "channels", "limit"),
    [
        ({"model.family": "dcgan"}, 1, 100.0),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 10.0}, 1, 64 + 64**2 / 40),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 1.0}, 1, 64 + 64**2 / 4),
        ({"model.family": "wgan_gp", "data.image_size": 64}, 3, 128 * 3**0.5 + 3 * 128**2 / 40),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0.0, "stabilizers.spectral_norm": True}, 1, 640.0),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0.0, "stabilizers.r1": 10.0}, 1, 64 + 64**2 / 20),
        (
            {
                "model.family": "wgan_gp",
                "loss.gradient_penalty": 0.0,
                "stabilizers.r1": 6.0,
                "stabilizers.r2": 4.0,
            },
            1,
            64 + 64**2 / 20,
        ),
        ({"model.family": "dcgan", "loss.name": "rpgan", "stabilizers.r1": 0.1, "stabilizers.r2": 0.1}, 1, 100.0),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0.0}, 1, 100.0),
    ],
)
def test_the_loss_of_a_perfect_critic_is_no_divergence(
    settings: dict[str, object], channels: int, limit: float
) -> None:
    config = TrialConfig.model_validate(unflatten(settings))
    assert max_loss(config, channels) == pytest.approx(limit)
    measured = reference_values(config, channels, {})
    assert measured.max_loss == pytest.approx(limit)
    assert judge([{"step": 10, "loss/discriminator": -0.99 * limit}], measured).name == "stable"
    assert judge([{"step": 10, "loss/discriminator": -1.01 * limit}], measured).name == "diverged"
