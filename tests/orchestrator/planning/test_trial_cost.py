"""What a setting adds to a step's cost is what it adds when it is measured."""

from __future__ import annotations

from typing import Any

import pytest

from gan_core.config.trial import TrialConfig
from orchestrator.planning.trial_cost import step_seconds

DIGITS = {"model": {"width": 16}}
RESNET_64 = {
    "model": {"family": "wgan_gp", "networks": "resnet", "width": 8},
    "loss": {"n_critic": 2},
    "batch_size": 16,
    "data": {"image_size": 64},
}
MEASURED: list[tuple[dict[str, Any], float]] = [
    ({"accumulate": 2}, 1.47),
    ({"accumulate": 4}, 2.09),
    ({"loss": {"name": "rpgan"}}, 1.08),
    ({"loss": {"name": "ragan"}}, 1.05),
    ({"stabilizers": {"cr": 10.0}}, 1.22),
    ({"stabilizers": {"bcr": 10.0}}, 1.43),
    ({"stabilizers": {"r1": 1.0}}, 1.60),
    ({"stabilizers": {"r1": 1.0, "r2": 1.0}}, 2.29),
    ({"stabilizers": {"r1": 1.0, "penalty_every": 16}}, 0.97),
    ({"stabilizers": {"dragan": 10.0}}, 1.66),
    ({"stabilizers": {"top_k": 0.5}}, 1.06),
    ({"stabilizers": {"feature_matching": 1.0}}, 1.11),
    ({"stabilizers": {"ada": {"target": 0.6}}}, 1.26),
    ({"stabilizers": {"diff_augment": True}}, 1.18),
    ({"stabilizers": {"spectral_norm": True}}, 1.13),
    ({"model": {"width": 16, "discriminator_norm": "none"}, "stabilizers": {"r1": 1.0}}, 1.34),
    (RESNET_64, 13.7),
    *(
        ({"model": {"family": "sngan", "width": width}, "loss": {"n_critic": n}}, ratio)
        for width, n, ratio in ((8, 1, 3.3), (8, 2, 5.8), (16, 2, 8.9))
    ),
    ({"model": {"family": "sngan_projection", "width": 8}, "loss": {"n_critic": 2}}, 6.0),
    ({"model": {"family": "wgan_gp", "networks": "resnet", "width": 8}, "loss": {"n_critic": 2}}, 7.0),
    ({"model": {"family": "r3gan", "width": 8}}, 10.2),
]
"""A step beside the plain one, in turn: `python benchmarks/trial_cost.py`."""


@pytest.mark.parametrize(("settings", "ratio"), MEASURED)
def test_a_setting_costs_what_was_measured(settings: dict[str, Any], ratio: float) -> None:
    plain, dear = (step_seconds(TrialConfig.model_validate(DIGITS | changed)) for changed in ({}, settings))
    assert dear / plain == pytest.approx(ratio, rel=0.1)


def test_what_needs_no_pass_of_its_own_for_a_critic_costs_no_more() -> None:
    """With more than one update of D, G draws anew for its update anyway; SNGAN's spectral norm is in its factor."""
    critic = TrialConfig.model_validate(DIGITS | {"loss": {"n_critic": 2}})
    parts = TrialConfig.model_validate(DIGITS | {"loss": {"n_critic": 2}, "accumulate": 2})
    once, in_parts = (TrialConfig.model_validate(DIGITS | settings) for settings in ({}, {"accumulate": 2}))
    assert step_seconds(parts) / step_seconds(critic) < step_seconds(in_parts) / step_seconds(once)
    with_norm, without = (
        TrialConfig.model_validate({"model": {"family": "sngan"}, "stabilizers": {"spectral_norm": norm}})
        for norm in (True, False)
    )
    assert step_seconds(with_norm) == step_seconds(without)
