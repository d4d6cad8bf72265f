"""A trial's key names what acts in it, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from gan_core.config import identity as identity_module
from gan_core.config.identity import effective_settings, keys_by_seed, trial_key, unflatten
from gan_core.config.trial import TrialConfig

NOISE = "stabilizers.instance_noise"
FOLDER = {"data.name": "image_folder", "data.path": "a"}
INCEPTION = {"evaluation.features": "inception"}


def key(settings: dict[str, Any], data: str = "abc") -> str:
    """key({"dotted.path": value})."""
    return trial_key(TrialConfig.model_validate(unflatten(settings)), data)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"seed": 0, "optimizer.lr": 2e-4, "model.family": "dcgan"}),
        ({NOISE: 0.1}, {f"{NOISE}.std": 0.1}),
        ({"optimizer.lr": 1e-3}, {"optimizer.generator.lr": 1e-3, "optimizer.discriminator.lr": 1e-3}),
        ({"optimizer.lr": 1}, {"optimizer.lr": 1.0}),
        ({"optimizer.betas": [0.5, 0.9]}, {"optimizer.betas": (0.5, 0.9)}),
        ({}, {"data.root": "/elsewhere"}),
        ({"data.name": "npz", "data.path": "a"}, {"data.name": "npz", "data.path": "b"}),
        (FOLDER, FOLDER | {"data.background": "black", "data.skip_broken": True}),
        (INCEPTION | {"evaluation.weights": "a.pth"}, INCEPTION | {"evaluation.weights": "b.pth"}),
        ({}, {"checkpoint_every": 7}),
        ({}, {"stabilizers.packing": 1}),
        ({}, {"accumulate": 1, "data.flip": False}),
        ({}, {"stabilizers.r1": 0, "stabilizers.ema": False, "stabilizers.spectral_norm": False, "data.rgb": False}),
        ({}, {"model.discriminator_norm": "batch"}),
        ({}, {f"{NOISE}.std": 0, f"{NOISE}.fake_only": True, f"{NOISE}.anneal": True}),
        ({}, {"stabilizers.label_smoothing": False}),
        ({}, {"optimizer.name": "adam", "optimizer.weight_decay": 0, "optimizer.schedule": {"lr": "constant"}}),
        ({}, {"stabilizers.ada": {"target": 0, "speed": 100}}),
    ],
)
def test_key_is_the_same_for_the_same_trial(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(one) == key(other)


def test_key_differs_where_anything_acts_differently() -> None:
    variants: list[dict[str, Any]] = [
        *({"seed": seed} for seed in (0, 1, 2)),
        *({"optimizer.lr": lr} for lr in (1e-3, 1e-4)),
        *({f"optimizer.schedule.{beta}": 0.0} for beta in ("beta1", "beta2")),
        *({f"optimizer.{player}.lr": 1e-3} for player in ("generator", "discriminator")),
        *({NOISE: noise} for noise in (0.1, {"std": 0.1, "fake_only": True}, {"std": 0.1, "anneal": True})),
        {"stabilizers.label_smoothing": 0.1},
        *(
            {f"stabilizers.{name}": 0.1}
            for name in ("label_flipping", "r1", "r2", "dragan", "ema", "cr", "bcr", "top_k")
        ),
        *({f"stabilizers.{name}": True} for name in ("spectral_norm", "diff_augment", "minibatch_std")),
        *({"stabilizers.packing": size} for size in (2, 4)),
        *({"loss.name": name} for name in ("hinge", "least_squares", "rpgan", "ragan")),
        {"stabilizers.r1": 0.1, "stabilizers.penalty_every": 16},
        {"stabilizers.feature_matching": 0.1},
        *({"stabilizers.ada": ada} for ada in (0.6, {"target": 0.6, "speed": 100})),
        {"loss.sum_of_halves": True},
        *({"loss.gradient_penalty": 5, f"loss.{flag}": True} for flag in ("one_sided_penalty", "shared_epsilon")),
        *({"model.family": "acgan", "loss.auxiliary_real_share": share} for share in (0.0, 0.5, 1.0)),
        *({"model.discriminator_norm": norm} for norm in ("layer", "instance", "none")),
        *({"evaluation.features": features} for features in ("classifier", "random")),
        {"evaluation.split": "test"},
        {"evaluation.samples": 256},
        {"data.rgb": True},
        {"data.classes": [0, 1]},
        {"loss.n_critic": 2},
        {"model.family": "wgan_gp"},
        {"model.family": "wgan_gp", "loss.gradient_penalty": 0},
        {"steps": 7},
        *({"accumulate": parts} for parts in (2, 4)),
        {"data.flip": True},
        *({"optimizer.name": name} for name in ("adamw", "rmsprop", "sgd")),
        *({"optimizer.name": "sgd", "optimizer.momentum": momentum} for momentum in (0.5, 0.9)),
        {"optimizer.weight_decay": 0.1},
        *({"optimizer.schedule": {"lr": name}} for name in ("linear", "cosine")),
        {"optimizer.schedule": {"lr": "cosine", "final": 0.1}},
        *({"optimizer.schedule": {name: 0.1}} for name in ("beta1", "beta2")),
        {"optimizer.schedule": {"warm_up": 5}},
    ]
    assert len({key(settings) for settings in variants} | {key({}, data="other")}) == len(variants) + 1


def test_key_is_untouched_by_a_later_setting_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key({"seed": 3})
    later = {"stabilizers.future": 0.0, "loss.future": None, "model.future": False}
    monkeypatch.setattr(identity_module, "effective_settings", lambda config: effective_settings(config) | later)
    assert key({"seed": 3}) == before
    later["stabilizers.future"] = 0.5
    assert key({"seed": 3}) != before


def test_key_is_16_hex_digits() -> None:
    assert len(key({})) == 16 and int(key({}), 16) >= 0


@pytest.mark.parametrize("data", ["abc", '"seed":null', ',"seed":0'])
def test_the_keys_of_all_seeds_come_from_settings_written_out_once(data: str) -> None:
    keys = keys_by_seed(TrialConfig(), data)
    assert [keys(seed) for seed in (0, 1, 12)] == [key({"seed": seed}, data) for seed in (0, 1, 12)]
    assert keys(1) == trial_key(TrialConfig(seed=1), data) != keys(11)
