"""A family of GANs from an installed package trains like the built-in ones."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from support.commands import PLUGINS

from gan_core import families
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.networks.build import build_networks
from gan_core.training.applied_settings import differences
from gan_core.training.trainer import Trainer


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package on the path whose metadata name its families, as pip leaves it."""
    shutil.copy(PLUGINS / "gans_from_outside.py", tmp_path)
    metadata = tmp_path / "gans_from_outside-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gans-from-outside\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[gan_core.families]\ntwice = gans_from_outside:family\nplain = gans_from_outside:plain\n"
        "wrong = gans_from_outside:not_one\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    families.load.cache_clear()
    yield
    families.load.cache_clear()
    sys.modules.pop("gans_from_outside", None)


def config(family: str, **settings: object) -> TrialConfig:
    return TrialConfig.model_validate({"model": {"family": family, "width": 4, **settings}})


@pytest.mark.usefixtures("installed")
def test_a_family_from_outside_brings_its_networks_and_its_defaults() -> None:
    made = config("twice")
    assert (made.optimizer.lr, made.loss.name) == (3e-4, "hinge")
    ours, theirs = (build_networks(c.model, c.stabilizers, 1, 0, 32, seed=0) for c in (config("dcgan"), made))
    z = torch.randn(2, 100)
    assert torch.equal(ours[0](z), theirs[0](z))
    images = torch.randn(2, 1, 32, 32)
    assert theirs[1](images).logits.shape == (2,)
    assert families.known() == [*families.BUILT_IN, "plain", "twice", "wrong"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("packing", [0, 2])
def test_a_discriminator_without_convolutions_and_norms_trains_as_asked(
    small: Callable[..., TrialConfig], few: ImageSet, packing: int
) -> None:
    made = small({"model.family": "plain", "stabilizers.packing": packing})
    trainer = Trainer(made, few)
    trainer.step()
    assert differences(made, trainer.applied()) == []


@pytest.mark.usefixtures("installed")
def test_what_a_family_from_outside_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="the original report has no twice"):
        TrialConfig.model_validate({"model": {"family": "twice", "networks": "original"}})
    with pytest.raises(ValidationError, match=r"gans_from_outside:not_one is not a gan_core\.families\.Family"):
        config("wrong")


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="one of 'dcgan', 'acgan', 'wgan_gp'"):
        config("stylegan")
