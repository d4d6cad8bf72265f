"""An element of a list stands for the list with this element."""

from __future__ import annotations

from typing import Any

import pytest

from gan_core.config.elements import with_elements


@pytest.mark.parametrize(
    ("settings", "path", "betas"),
    [
        ({"optimizer.betas[0]": 0.3}, "optimizer.betas", [0.3, 0.999]),
        ({"optimizer.betas[0]": 0.3, "optimizer.betas[1]": 0.5}, "optimizer.betas", [0.3, 0.5]),
        ({"optimizer.betas[0]": 0.3, "model.family": "wgan_gp"}, "optimizer.betas", [0.3, 0.9]),
        ({"optimizer.betas[1]": 0.99, "optimizer.betas": [0.1, 0.2]}, "optimizer.betas", [0.1, 0.99]),
        ({"optimizer.generator.betas[0]": 0.3}, "optimizer.generator.betas", [0.3, 0.999]),
        (
            {"optimizer.generator.betas[0]": 0.3, "optimizer.betas[1]": 0.5},
            "optimizer.generator.betas",
            [0.3, 0.5],
        ),
        ({"optimizer.discriminator.betas[1]": 0.9}, "optimizer.discriminator.betas", [0.5, 0.9]),
    ],
)
def test_the_rest_of_the_list_is_as_given_or_as_by_default(
    settings: dict[str, Any], path: str, betas: list[float]
) -> None:
    whole = with_elements(settings)
    assert whole[path] == betas
    assert not any("[" in name for name in whole)


def test_settings_without_elements_stay_as_they_are() -> None:
    settings = {"optimizer.betas": [0.1, 0.2], "steps": 5}
    assert with_elements(settings) is settings
