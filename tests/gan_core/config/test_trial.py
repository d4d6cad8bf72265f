"""A configuration fills in its paper's defaults and refuses what means nothing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gan_core.config.conflicts import cautions, conflicts
from gan_core.config.identity import flatten, setting_paths, unflatten
from gan_core.config.stabilizer_sections import expand_shorthand
from gan_core.config.trial import TrialConfig

ORIGINAL = {"model.networks": "original"}
NOISE = "stabilizers.instance_noise"


def make(**settings: Any) -> TrialConfig:
    """make(**{"dotted.path": value})."""
    return TrialConfig.model_validate(unflatten(settings))


@pytest.mark.parametrize(
    ("family", "lr", "betas", "loss", "penalty", "n_critic", "auxiliary"),
    [
        ("dcgan", 2e-4, (0.5, 0.999), "bce", 0.0, 1, (None, None, None)),
        ("acgan", 2e-4, (0.5, 0.999), "bce", 0.0, 1, ("cross_entropy", 1.0, 0.5)),
        ("wgan_gp", 1e-4, (0.0, 0.9), "wasserstein", 10.0, 5, (None, None, None)),
    ],
)
def test_defaults_are_those_of_the_paper_of_the_family(
    family: str, lr: float, betas: tuple[float, float], loss: str, penalty: float, n_critic: int, auxiliary: Any
) -> None:
    config = make(**{"model.family": family})
    assert config.optimizer.adam("generator") == config.optimizer.adam("discriminator") == (lr, betas)
    assert (config.loss.name, config.loss.gradient_penalty, config.loss.n_critic) == (loss, penalty, n_critic)
    assert (config.loss.auxiliary_loss, config.loss.auxiliary_weight, config.loss.auxiliary_real_share) == auxiliary
    assert (config.model.width, config.model.init) == (32, "normal")
    assert config.model.discriminator_norm == ("none" if family == "wgan_gp" else "batch")


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
def test_every_stabiliser_is_off_unless_asked_for(family: str) -> None:
    config = make(**{"model.family": family})
    strengths = flatten(config.stabilizers.model_dump())
    del strengths["ada.speed"]  # shapes what `ada.target` switches on
    assert not any(strengths.values())
    flags = ("one_sided_penalty", "shared_epsilon", "sum_of_halves")
    assert not any(getattr(config.loss, flag) for flag in flags)


def test_original_networks_have_no_width_and_start_as_pytorch_does() -> None:
    assert make(**ORIGINAL).model.width is None
    assert make(**ORIGINAL).model.init == "pytorch"


def test_original_critic_keeps_the_batch_norm_of_the_report() -> None:
    assert make(**ORIGINAL, **{"model.family": "wgan_gp"}).model.discriminator_norm == "batch"


def test_given_setting_wins_over_the_default_and_leaves_its_neighbours() -> None:
    config = make(**{"model.family": "wgan_gp", "loss.n_critic": 2})
    assert (config.loss.n_critic, config.loss.gradient_penalty, config.loss.name) == (2, 10.0, "wasserstein")


@pytest.mark.parametrize(
    "path",
    [
        *("model.width", "model.init", "model.discriminator_norm"),
        *("loss.auxiliary_loss", "loss.auxiliary_weight", "loss.auxiliary_real_share"),
    ],
)
def test_null_means_the_default(path: str) -> None:
    assert make(**{"model.family": "acgan", path: None}) == make(**{"model.family": "acgan"})


def test_separate_optimiser_of_a_player_leaves_the_other_the_common_one() -> None:
    config = make(**{"optimizer.lr": 1e-3, "optimizer.discriminator.lr": 4e-4, "optimizer.generator.betas": [0.0, 0.9]})
    assert config.optimizer.adam("generator") == (1e-3, (0.0, 0.9))
    assert config.optimizer.adam("discriminator") == (4e-4, (0.5, 0.999))


@pytest.mark.parametrize(
    "path", ["stepz", "model.depth", "optimizer.generator.momentum", f"{NOISE}.sigma", "loss.lambda"]
)
def test_unknown_key_is_refused_where_it_stands(path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**{path: 1})
    (error,) = caught.value.errors()
    assert (error["type"], ".".join(map(str, error["loc"]))) == ("extra_forbidden", path)


RATES = ("optimizer.lr", "optimizer.generator.lr", "optimizer.discriminator.lr")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((path, value) for path in RATES for value in (0, -1e-3, float("nan"), float("inf"), "fast", "0.1", True)),
        *(("optimizer.betas", betas) for betas in ([0.5, 1.0], [-0.1, 0.9], [0.5], [0.5, float("nan")], 0.5)),
        ("optimizer.generator.betas", [1.0, 0.9]),
        *((path, value) for path in ("batch_size", "steps", "log_every") for value in (0, -1, 1.5, "ten", True)),
        ("batch_size", 1),
        ("steps", 2**53),  # not every whole number above is a double
        *(("seed", value) for value in (-1, 2**31, 0.5)),
        *(("stabilizers.label_smoothing", value) for value in (-0.1, 0.5, "soft", True)),
        *((NOISE, value) for value in (-0.1, True, "some", None, float("inf"))),
        *((f"{NOISE}.fake_only", value) for value in (1, "yes")),
        *(("loss.gradient_penalty", value) for value in (-1, float("nan"), True)),
        *(("stabilizers.label_flipping", value) for value in (-0.1, 0.5, True)),
        *((f"stabilizers.{name}", value) for name in ("r1", "dragan") for value in (-1, float("inf"), True)),
        *(("stabilizers.ema", value) for value in (-0.1, 1, True)),
        *(
            (f"stabilizers.{name}", value)
            for name in ("spectral_norm", "diff_augment", "minibatch_std")
            for value in (1, "yes", 0.5)
        ),
        *(("stabilizers.packing", value) for value in (-1, 1.5, True, "two")),
        *((f"loss.{name}", 1) for name in ("one_sided_penalty", "shared_epsilon", "sum_of_halves")),
        *(("loss.auxiliary_real_share", value) for value in (-0.1, 1.1, True)),
        ("loss.auxiliary_loss", "hinge"),
        ("model.discriminator_norm", "spectral"),
        ("evaluation.features", "pixels"),
        ("evaluation.split", "validation"),
        ("data.rgb", 1),
        ("data.skip_broken", 1),
        *(("data.background", value) for value in ("nice", "#fff", "transparent", None, 255)),
        ("loss.n_critic", 0),
        ("loss.name", "softplus"),
        ("model.family", "stylegan"),
        ("model.width", 3),
        ("data.image_size", 28),
        *(("data.classes", classes) for classes in ([], [-1], [1.5], [True], "0", 3)),
        ("data.root", 5),
        ("precision", "float16"),
        ("evaluation.samples", 15),
    ],
)
def test_value_out_of_range_is_refused_where_it_stands(path: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**{path: value})
    for error in caught.value.errors():
        assert ".".join(map(str, error["loc"])).startswith(path)


def test_false_switches_a_stabiliser_off() -> None:
    numbers = ("label_smoothing", "label_flipping", "instance_noise", "r1", "r2", "dragan", "ema", "packing")
    numbers += ("penalty_every", "cr", "bcr", "top_k", "feature_matching", "ada")
    off = {f"stabilizers.{name}": False for name in numbers} | {"loss.gradient_penalty": False}
    assert make(**off) == make()


def test_packs_of_one_are_no_packs() -> None:
    assert make(**{"stabilizers.packing": 1}) == make(**{"stabilizers.packing": 0}) == make()


WGAN_GP, ACGAN, R3GAN = ({"model.family": family} for family in ("wgan_gp", "acgan", "r3gan"))
CONFLICTS: list[tuple[dict[str, Any], str]] = [
    *(
        ({"loss.name": loss, f"stabilizers.{name}": 0.1}, f"stabilizers.{name}")
        for loss in ("hinge", "wasserstein", "rpgan", "ragan")
        for name in ("label_smoothing", "label_flipping")
    ),
    ({"loss.auxiliary_real_share": 0.5}, "loss.auxiliary_real_share"),
    (WGAN_GP | {"loss.auxiliary_real_share": 0.0}, "loss.auxiliary_real_share"),
    ({"loss.one_sided_penalty": True}, "loss.one_sided_penalty"),
    ({"loss.shared_epsilon": True}, "loss.shared_epsilon"),
    ({"loss.shared_epsilon": True, "stabilizers.dragan": 1.0}, "loss.shared_epsilon"),
    (WGAN_GP | {"loss.sum_of_halves": True}, "loss.sum_of_halves"),
    (WGAN_GP | {"stabilizers.r1": 1.0}, "stabilizers.r1"),
    (WGAN_GP | {"stabilizers.dragan": 1.0}, "stabilizers.dragan"),
    ({"loss.gradient_penalty": 1.0, "stabilizers.r1": 1.0}, "stabilizers.r1"),
    ({"stabilizers.r1": 1.0, "stabilizers.dragan": 1.0}, "stabilizers.dragan"),
    ({"stabilizers.r2": 1.0, "stabilizers.dragan": 1.0}, "stabilizers.dragan"),
    ({"stabilizers.r1": 1.0, "stabilizers.r2": 1.0, "stabilizers.dragan": 1.0}, "stabilizers.dragan"),
    (WGAN_GP | {"stabilizers.r2": 1.0}, "stabilizers.r2"),
    ({"loss.name": "rpgan", "loss.sum_of_halves": True}, "loss.sum_of_halves"),
    ({"stabilizers.penalty_every": 16}, "stabilizers.penalty_every"),
    ({"stabilizers.penalty_every": 16, "stabilizers.dragan": 1.0}, "stabilizers.penalty_every"),
    ({"stabilizers.cr": 10.0, "stabilizers.bcr": 10.0}, "stabilizers.bcr"),
    ({"stabilizers.ada": 0.6, "stabilizers.diff_augment": True}, "stabilizers.ada"),
    (WGAN_GP | {"stabilizers.ada": 0.6}, "stabilizers.ada"),
    *(({"loss.name": loss, "stabilizers.top_k": 0.5}, "stabilizers.top_k") for loss in ("rpgan", "ragan")),
    (ACGAN | {"stabilizers.packing": 2}, "stabilizers.packing"),
    ({"stabilizers.packing": 3}, "stabilizers.packing"),
    ({"stabilizers.packing": 128}, "stabilizers.packing"),
    ({"data.name": "stacked_mnist", "data.classes": [0, 1]}, "data.classes"),
    ({"data.name": "stacked_mnist", "data.rgb": True}, "data.rgb"),
    ({"data.name": "stacked_mnist", "data.path": "a.npz"}, "data.path"),
    ({"evaluation.features": "inception"}, "evaluation.weights"),
    *(({"evaluation.weights": "w.pth", "evaluation.features": f}, "evaluation.weights") for f in ("auto", "random")),
    ({"model.family": "wgan_gp", "stabilizers.label_smoothing": 0.1}, "stabilizers.label_smoothing"),
    ({"loss.auxiliary_loss": "cross_entropy"}, "loss.auxiliary_loss"),
    ({"model.family": "wgan_gp", "loss.auxiliary_weight": 0.5}, "loss.auxiliary_weight"),
    (ORIGINAL | {"model.width": 32}, "model.width"),
    (ORIGINAL | {"data.image_size": 64}, "data.image_size"),
    (R3GAN | {"stabilizers.spectral_norm": True}, "stabilizers.spectral_norm"),
    (R3GAN | {"model.discriminator_norm": "layer"}, "model.discriminator_norm"),
    (R3GAN | {"model.width": 12}, "model.width"),
    *((R3GAN | {"model.init": init}, "model.init") for init in ("normal", "pytorch")),
    (R3GAN | {"model.networks": "original", "model.init": "msr"}, "model.networks"),
    ({"model.init": "msr"}, "model.init"),
    ({"data.name": "npz"}, "data.path"),
    ({"data.name": "image_folder"}, "data.path"),
    ({"data.name": "npz", "data.path": "a.npz", "data.root": "b"}, "data.root"),
    ({"data.path": "a.npz"}, "data.path"),
    ({"data.name": "npz", "data.path": "a.npz", "data.background": "black"}, "data.background"),
    ({"data.skip_broken": True}, "data.skip_broken"),
]


@pytest.mark.parametrize(("settings", "path"), CONFLICTS)
def test_settings_that_mean_nothing_together_are_refused(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**settings)
    (error,) = caught.value.errors()
    assert [at for at, _ in error["ctx"]["error"].problems] == [path]


def test_r3gan_has_the_losses_and_the_optimiser_of_its_authors() -> None:
    config = make(**{"model.family": "r3gan"})
    assert (config.loss.name, config.loss.n_critic) == ("rpgan", 1)
    assert (config.stabilizers.r1, config.stabilizers.r2) == (0.05, 0.05)
    assert config.optimizer.adam("generator") == config.optimizer.adam("discriminator") == (2e-4, (0.0, 0.99))
    assert (config.model.discriminator_norm, config.model.init, config.model.latent_dim) == ("none", "msr", 64)
    without = make(**{"model.family": "r3gan", "stabilizers.r2": False, "model.latent_dim": 100})
    assert (without.stabilizers.r1, without.stabilizers.r2, without.model.latent_dim) == (0.05, 0, 100)


def test_every_conflict_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        make(**ORIGINAL, **{"model.width": 32, "data.image_size": 64, "data.path": "x"})
    problems = caught.value.errors()[0]["ctx"]["error"].problems
    assert {path for path, _ in problems} == {"model.width", "data.image_size", "data.path"}


@pytest.mark.parametrize(
    "settings",
    [
        {"loss.name": "least_squares", "stabilizers.label_smoothing": 0.1, "stabilizers.label_flipping": 0.1},
        {"loss.name": "hinge", "stabilizers.spectral_norm": True, "loss.sum_of_halves": True},
        {"loss.name": "hinge", "loss.gradient_penalty": 10, "loss.one_sided_penalty": True},
        {"loss.name": "wasserstein", "stabilizers.r1": 1.0},
        {"loss.name": "rpgan", "stabilizers.r1": 1.0, "stabilizers.r2": 1.0},
        {"loss.name": "ragan", "loss.sum_of_halves": True},
        {"stabilizers.r2": 1.0, "stabilizers.penalty_every": 16, "stabilizers.ada": {"target": 0.6, "speed": 100}},
        {"stabilizers.packing": 2},
        {"stabilizers.packing": 64},
        WGAN_GP | {"stabilizers.packing": 4, "loss.shared_epsilon": True, "loss.one_sided_penalty": True},
        WGAN_GP | {"loss.gradient_penalty": 0, "stabilizers.dragan": 10},
        ACGAN | {"loss.name": "hinge", "loss.auxiliary_real_share": 1.0, "stabilizers.r1": 1.0},
        ACGAN | {"loss.name": "wasserstein", "loss.gradient_penalty": 10, "model.discriminator_norm": "layer"},
        ORIGINAL | {"stabilizers.spectral_norm": True, "stabilizers.minibatch_std": True, "stabilizers.packing": 2},
        {"stabilizers.ema": 0.999, "stabilizers.diff_augment": True, "stabilizers.minibatch_std": True},
        {"data.name": "stacked_mnist"},
        {"data.rgb": True, "data.classes": [0, 1]},
        {"evaluation.features": "inception", "evaluation.weights": "w.pth"},
    ],
)
def test_settings_that_go_together_are_not_refused(settings: dict[str, Any]) -> None:
    assert conflicts(make(**settings)) == []


@pytest.mark.parametrize("family", ["dcgan", "acgan", "wgan_gp"])
@pytest.mark.parametrize("networks", ["standard", "original"])
def test_families_as_they_come_have_no_conflict(family: str, networks: str) -> None:
    assert conflicts(make(**{"model.family": family, "model.networks": networks})) == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"loss.gradient_penalty": 1.0}, "batch norm"),
        ({"model.family": "wgan_gp", **ORIGINAL}, "batch norm"),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0}, "unconstrained"),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0, "stabilizers.r1": 1.0}, None),
        ({"model.family": "wgan_gp", "loss.gradient_penalty": 0, "stabilizers.spectral_norm": True}, None),
        ({"model.family": "wgan_gp", "loss.shared_epsilon": True}, "one mixing epsilon"),
        ({"model.family": "wgan_gp", "stabilizers.minibatch_std": True}, "whole batch"),
        ({"model.family": "acgan", "loss.auxiliary_loss": "nll_of_probabilities"}, "nll_of_probabilities"),
        ({"model.family": "acgan", "loss.auxiliary_loss": "double_softmax"}, "double_softmax"),
        ({"stabilizers.r1": 10}, "batch norm in the discriminator with R1"),
        ({"stabilizers.r2": 10}, "batch norm in the discriminator with R2"),
        *(({f"stabilizers.{name}": 10, "data.name": "mnist"}, "mirrored digit") for name in ("cr", "bcr")),
        ({"stabilizers.cr": 10, "data.name": "cifar10"}, None),
        ({"stabilizers.dragan": 10}, "batch norm in the discriminator with DRAGAN"),
        ({"stabilizers.spectral_norm": True}, "batch norm in the discriminator with spectral norm"),
        (ACGAN | {"stabilizers.spectral_norm": True}, "batch norm"),
        *(({f"stabilizers.{name}": 1, "model.discriminator_norm": "layer"}, None) for name in ("r1", "dragan")),
        ({"stabilizers.spectral_norm": True, "model.discriminator_norm": "none"}, None),
        ({"stabilizers.ema": 0.999, "steps": 8_989}, "0.999 needs 8,990 steps"),
        ({"stabilizers.ema": 0.999, "steps": 8_990}, None),
        ({"stabilizers.ema": 0.05, "steps": 400}, None),
        ({"steps": 300, "evaluation.every": 100}, "fewer than 4 evaluations"),
        ({"steps": 301, "evaluation.every": 100}, None),
        (
            {"model.family": "r3gan", "stabilizers.penalty_every": 16, "steps": 16, "evaluation.every": 4},
            "is paid once",
        ),
        ({"model.family": "r3gan", "stabilizers.penalty_every": 16, "steps": 17, "evaluation.every": 4}, None),
        ({"optimizer.schedule": {"lr": "linear", "warm_up": 1000, "until": 2000}}, "a warm-up of 1,000 steps"),
        ({"optimizer.schedule": {"lr": "cosine", "warm_up": 999, "until": 1001}}, "ends after 1,001 steps"),
        ({"optimizer.schedule": {"lr": "cosine", "warm_up": 999, "until": 1000}}, None),
        ({"model.family": "acgan"}, None),
        ({"model.family": "wgan_gp"}, None),
        ({}, None),
    ],
)
def test_what_a_paper_warns_of_is_cautioned(settings: dict[str, Any], word: str | None) -> None:
    texts = cautions(make(**settings))
    assert len(texts) == (word is not None)
    assert all(str(word) in caution for caution in texts)


def test_setting_paths_are_exactly_the_settings_there_are() -> None:
    assert setting_paths() == list(flatten(make().model_dump()))
    assert f"{NOISE}.std" in setting_paths()
    assert len(setting_paths()) == len(set(setting_paths()))


def test_shorthand_stands_for_a_setting_there_is() -> None:
    assert expand_shorthand(NOISE) in setting_paths()
    assert all(expand_shorthand(path) == path for path in setting_paths())


def test_flatten_and_unflatten_undo_each_other() -> None:
    nested = {"a": {"b": 1, "c": {"d": [2]}}, "e": None}
    assert flatten(nested) == {"a.b": 1, "a.c.d": [2], "e": None}
    assert unflatten(flatten(nested)) == nested


def test_configuration_survives_being_written_and_read() -> None:
    config = make(**{"model.family": "acgan", NOISE: 0.1, "optimizer.generator.lr": 9e-4, "data.classes": [1, 2]})
    assert TrialConfig.model_validate_json(config.model_dump_json()) == config
