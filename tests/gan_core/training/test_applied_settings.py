"""What a trial asked for is compared with what ran, and every difference is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.objective import (
    adaptive_augmentation,
    consistency,
    discriminator_input,
    feature_matching,
    gradient_penalties,
    stabilizers,
    top_k,
)
from gan_core.training.applied_settings import differences, requested
from gan_core.training.trainer import Trainer
from gan_core.training.updates import Updates

Small = Callable[..., TrialConfig]


def differences_of(config: TrialConfig, trainer: Trainer) -> str:
    """The differences after a step, one a line."""
    trainer.step()
    return "\n".join(differences(config, trainer.applied()))


def test_asked_is_what_each_player_trains_with_and_what_is_on() -> None:
    config = TrialConfig.model_validate(
        {
            "model": {"family": "wgan_gp"},
            "optimizer": {"lr": 1e-3, "discriminator": {"lr": 4e-4, "betas": [0.1, 0.8]}},
            "stabilizers": {"ema": 0.99, "instance_noise": 0.2, "spectral_norm": True},
        }
    )
    assert requested(config) == {
        "n_critic": 5,
        "discriminator_norm": "none",
        "generator": {"lr": 1e-3, "betas": [0.0, 0.9]},
        "discriminator": {"lr": 4e-4, "betas": [0.1, 0.8]},
        "stabilizers": {"instance_noise": 0.2, "spectral_norm": True, "ema": 0.99, "gradient_penalty": 10.0},
    }
    assert requested(TrialConfig())["stabilizers"] == {}


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
@pytest.mark.parametrize("networks", ["standard", "original"])
def test_trainer_as_it_comes_has_no_difference(small: Small, few: ImageSet, family: str, networks: str) -> None:
    config = small({"model.family": family, "model.networks": networks, "loss.n_critic": 2})
    assert differences_of(config, Trainer(config, few)) == ""


@pytest.mark.parametrize("norm", ["batch", "layer", "instance", "none"])
@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
def test_norm_is_read_from_the_layers_of_the_discriminator(small: Small, few: ImageSet, family: str, norm: str) -> None:
    config = small({"model.family": family, "model.discriminator_norm": norm, "loss.n_critic": 1})
    assert Trainer(config, few).applied()["discriminator_norm"] == norm
    others = {"batch", "layer", "instance", "none"} - {norm}
    other = small({"model.family": family, "model.discriminator_norm": min(others), "loss.n_critic": 1})
    assert differences_of(config, Trainer(other, few)) == f"discriminator_norm ran with {min(others)}, asked for {norm}"


def test_a_norm_in_some_layers_only_is_found(small: Small, few: ImageSet) -> None:
    config = small({"model.width": 8, "data.image_size": 32})
    trainer = Trainer(config, few)
    layers = trainer.discriminator.layers
    (place,) = [i for i, layer in enumerate(layers) if isinstance(layer, nn.BatchNorm2d)][-1:]
    layers[place] = nn.GroupNorm(1, layers[place].num_features)
    assert "asked for batch" in differences_of(config, trainer)


def test_critic_updates_are_counted_from_the_optimisers(
    small: Small, few: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small({"loss.n_critic": 3})
    trainer = Trainer(config, few)
    assert "n_critic" not in trainer.applied()  # before a step
    real = Updates._update_discriminator
    measured: list[dict[str, torch.Tensor]] = []

    def only_the_first(self: Updates, *inputs: Any) -> Any:
        if not measured:
            measured.append(real(self, *inputs))
        return measured[0]

    monkeypatch.setattr(Updates, "_update_discriminator", only_the_first)
    assert differences_of(config, trainer) == "n_critic ran with 1.0, asked for 3"


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize(("name", "value"), [("lr", 0.01), ("betas", (0.9, 0.99))])
def test_optimiser_that_trains_with_something_else_is_found(
    small: Small, few: ImageSet, player: Any, name: str, value: Any
) -> None:
    config = small()
    trainer = Trainer(config, few)
    trainer.optimizers[player].param_groups[0][name] = value
    (line,) = differences_of(config, trainer).splitlines()
    assert line.startswith(f"{player} ran with")
    shown = list(value) if name == "betas" else value
    assert f"'{name}': {shown}" in line.split(", asked for ")[0]
    assert "0.0002" in line and "[0.5, 0.999]" in line


def test_trainer_of_another_configuration_is_found(small: Small, few: ImageSet) -> None:
    """As where a rate is read from a configuration that a tuner has changed since."""
    config = small({"optimizer.generator.lr": 1e-3, "stabilizers.r1": 1.0})
    text = differences_of(config, Trainer(small(), few))
    assert [line.split()[0] for line in text.splitlines()] == ["generator", "stabilizers"]
    assert "asked for {'r1': 1.0}" in text


@pytest.mark.parametrize(
    "name",
    [
        *("label_smoothing", "label_flipping", "instance_noise", "packing", "r1", "r2", "dragan", "ema"),
        *("diff_augment", "cr", "bcr", "top_k", "feature_matching", "ada"),
    ],
)
def test_stabiliser_that_is_on_and_never_ran_is_found(small: Small, few: ImageSet, name: str) -> None:
    value: Any = {"diff_augment": True, "packing": 2}.get(name, 0.1)
    config = small({f"stabilizers.{name}": value})
    trainer = Trainer(config, few)
    assert f"asked for {{'{name}': {value}}}" in "\n".join(differences(config, trainer.applied()))  # before a step
    assert differences_of(config, trainer) == ""


@pytest.mark.parametrize("name", ["spectral_norm", "minibatch_std"])
def test_layer_that_is_on_and_not_in_the_discriminator_is_found(small: Small, few: ImageSet, name: str) -> None:
    config, plain = small({f"stabilizers.{name}": True}), Trainer(small(), few)
    assert f"ran with {{}}, asked for {{'{name}': True}}" in differences_of(config, plain)


def test_spectral_norm_that_is_not_on_every_layer_is_found(small: Small, few: ImageSet) -> None:
    config = small({"stabilizers.spectral_norm": True})
    trainer = Trainer(config, few)
    *_, last = (layer for layer in trainer.discriminator.modules() if isinstance(layer, nn.Conv2d))
    parametrize.remove_parametrizations(last, "weight")
    assert "asked for {'spectral_norm': True}" in differences_of(config, trainer)


def test_stabiliser_that_ran_without_being_asked_for_is_found(small: Small, few: ImageSet) -> None:
    text = differences_of(small(), Trainer(small({"stabilizers.instance_noise": 0.1}), few))
    assert text == "stabilizers ran with {'instance_noise': 0.1}, asked for {}"


@pytest.mark.parametrize(
    ("settings", "module", "function"),
    [
        ({"stabilizers.r1": 1.0}, gradient_penalties, "r1"),
        ({"stabilizers.dragan": 1.0}, gradient_penalties, "dragan_points"),
        ({"loss.gradient_penalty": 1.0}, gradient_penalties, "interpolates"),
        ({"stabilizers.label_flipping": 0.1}, stabilizers, "targets"),
        ({"stabilizers.instance_noise": 0.1}, stabilizers, "instance_noise"),
        ({"stabilizers.packing": 2}, stabilizers, "pack"),
        ({"stabilizers.diff_augment": True}, discriminator_input, "diff_augment"),
        ({"stabilizers.ada": 0.6}, adaptive_augmentation, "augment"),
        ({"stabilizers.cr": 1.0}, consistency, "transformed"),
        ({"stabilizers.bcr": 1.0}, consistency, "penalty"),
        ({"stabilizers.top_k": 0.5}, top_k, "loss_of_best"),
        ({"stabilizers.feature_matching": 1.0}, feature_matching, "distance"),
    ],
)
def test_what_is_echoed_did_run(
    small: Small, few: ImageSet, monkeypatch: pytest.MonkeyPatch, settings: Any, module: Any, function: str
) -> None:
    """The echo comes with a call of the function itself."""
    calls = []
    real = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *given: calls.append(given) or real(*given))
    config = small(settings)
    assert differences_of(config, Trainer(config, few)) == ""
    assert calls


def test_average_that_is_echoed_was_updated(small: Small, few: ImageSet) -> None:
    config = small({"stabilizers.ema": 0.9})
    trainer = Trainer(config, few)
    assert trainer.ema is not None
    untrained = next(trainer.eval_generator.parameters()).clone()
    assert differences_of(config, trainer) == "" and int(trainer.ema.n_averaged) == 1
    assert not torch.equal(next(trainer.eval_generator.parameters()), untrained)


def test_what_ran_before_an_interruption_still_counts(small: Small, few: ImageSet) -> None:
    config = small({"stabilizers.ema": 0.9, "stabilizers.r1": 1.0})
    first, second = Trainer(config, few), Trainer(config, few)
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.applied() == first.applied()
    assert differences(config, second.applied()) == []


@pytest.mark.parametrize(
    "settings", [{"stabilizers.instance_noise.fake_only": True}, {"stabilizers.instance_noise.anneal": True}]
)
def test_noise_is_echoed_at_its_strongest(small: Small, few: ImageSet, settings: Any) -> None:
    config = small({"stabilizers.instance_noise.std": 0.3, "steps": 3} | settings)
    trainer = Trainer(config, few)
    list(trainer.fit())
    assert trainer.applied()["stabilizers"] == {"instance_noise": 0.3}
    assert differences(config, trainer.applied()) == []


def test_noise_that_is_weaker_than_asked_for_is_found(
    small: Small, few: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stabilizers, "annealed", lambda std, step, steps: std / 2)
    config = small({"stabilizers.instance_noise": {"std": 0.2, "anneal": True}})
    assert "ran with {'instance_noise': 0.1}, asked for {'instance_noise': 0.2}" in differences_of(
        config, Trainer(config, few)
    )


@pytest.mark.parametrize(("channels", "size"), [(1, 4), (3, 2), (3, 4), (3, 0)])
def test_size_of_the_packs_is_read_from_what_the_discriminator_was_given(
    small: Small, few: ImageSet, channels: int, size: int
) -> None:
    images = replace(few, images=few.images.repeat(1, channels, 1, 1))
    trainer = Trainer(small({"stabilizers.packing": size}), images)
    trainer.step()
    assert trainer.applied()["stabilizers"] == ({"packing": size} if size else {})


def test_asking_what_ran_changes_nothing(small: Small, few: ImageSet) -> None:
    settings = {"stabilizers.spectral_norm": True, "stabilizers.minibatch_std": True}
    asked, silent = (Trainer(small(settings), few) for _ in range(2))
    for trainer in (asked, silent):
        trainer.step()
    asked.applied()
    for name, tensor in asked.discriminator.state_dict().items():
        assert torch.equal(tensor, silent.discriminator.state_dict()[name]), name
