"""One step of training does what the configuration says: its optimisers, batches, order and precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_core import sampling
from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.data.preprocessing import DataError
from gan_core.precision import resolve_precision
from gan_core.training.trainer import Progress, Trainer

Small = Callable[..., TrialConfig]
FAMILIES = ("dcgan", "acgan", "wgan_gp")


def inputs_of(network: nn.Module) -> list[Tensor]:
    """What `network` is given, call by call."""
    seen: list[Tensor] = []
    network.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach().clone()))
    return seen


def copies(network: nn.Module) -> list[Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


def largest_move(network: nn.Module, before: list[Tensor]) -> float:
    return max(
        (weight.detach() - old).abs().max().item() for weight, old in zip(network.parameters(), before, strict=True)
    )


@pytest.mark.parametrize(
    ("settings", "generator", "discriminator"),
    [
        ({}, (2e-4, [0.5, 0.999]), (2e-4, [0.5, 0.999])),
        ({"model.family": "wgan_gp"}, (1e-4, [0.0, 0.9]), (1e-4, [0.0, 0.9])),
        ({"optimizer.lr": 1e-3, "optimizer.betas": [0.1, 0.99]}, (1e-3, [0.1, 0.99]), (1e-3, [0.1, 0.99])),
        (
            {
                "model.family": "acgan",
                "optimizer.generator.lr": 9e-4,
                "optimizer.discriminator.lr": 4e-4,
                "optimizer.discriminator.betas": [0.3, 0.9],
            },
            (9e-4, [0.5, 0.999]),
            (4e-4, [0.3, 0.9]),
        ),
    ],
)
def test_what_the_optimisers_train_with_is_what_was_asked_for(
    small: Small, few: ImageSet, settings: dict[str, Any], generator: Any, discriminator: Any
) -> None:
    config = small(settings)
    trainer = Trainer(config, few)
    for player, network, (lr, betas) in (
        ("generator", trainer.generator, generator),
        ("discriminator", trainer.discriminator, discriminator),
    ):
        assert trainer.applied()[player] == {"lr": lr, "betas": betas}
        group = trainer.optimizers[player].param_groups[0]  # type: ignore[index]
        assert (group["lr"], list(group["betas"])) == (lr, betas)
        assert {id(weight) for weight in group["params"]} == {id(weight) for weight in network.parameters()}


def test_first_step_of_adam_moves_each_player_by_its_own_learning_rate(small: Small, few: ImageSet) -> None:
    rates = {"optimizer.generator.lr": 9e-4, "optimizer.discriminator.lr": 4e-4}
    trainer = Trainer(small({"model.init": "pytorch"} | rates), few)
    generator, discriminator = copies(trainer.generator), copies(trainer.discriminator)
    trainer.step()
    assert largest_move(trainer.generator, generator) == pytest.approx(9e-4, rel=0.01)
    assert largest_move(trainer.discriminator, discriminator) == pytest.approx(4e-4, rel=0.01)


@pytest.mark.parametrize(("family", "n_critic"), [("dcgan", 1), ("dcgan", 2), ("acgan", 1), ("wgan_gp", 3)])
def test_discriminator_is_updated_n_critic_times_a_step(
    small: Small, few: ImageSet, family: str, n_critic: int
) -> None:
    trainer = Trainer(small({"model.family": family, "loss.n_critic": n_critic, "steps": 2}), few)
    list(trainer.fit())
    updates = {
        player: {int(state["step"]) for state in optimizer.state.values()}
        for player, optimizer in trainer.optimizers.items()
    }
    assert updates == {"generator": {2}, "discriminator": {2 * n_critic}}


@pytest.mark.parametrize("family", FAMILIES)
def test_real_and_fake_go_through_the_discriminator_in_separate_batches(
    small: Small, few: ImageSet, family: str
) -> None:
    trainer = Trainer(small({"model.family": family, "loss.n_critic": 2}), few)
    seen = inputs_of(trainer.discriminator)
    trainer.step()
    known = {image.numpy().tobytes() for image in pixels.to_unit(few.images).contiguous()}
    real = [sum(image.contiguous().numpy().tobytes() in known for image in batch) for batch in seen]
    of_one_update = [16, 0, 0] if family == "wgan_gp" else [16, 0]  # real, fake and, for the penalty, between
    assert real == [*of_one_update, *of_one_update, 0]
    assert all(len(batch) == 16 for batch in seen)


def test_penalty_is_taken_between_the_real_and_the_fake_batch(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"model.family": "wgan_gp", "loss.n_critic": 1}), few)
    seen = inputs_of(trainer.discriminator)
    trainer.step()
    real, fake, between = (batch.flatten(1) for batch in seen[:3])
    along = ((between - fake) * (real - fake)).sum(1) / (real - fake).square().sum(1)
    torch.testing.assert_close(between, fake + along[:, None] * (real - fake), rtol=0, atol=1e-5)
    assert len(along.unique()) == 16


def test_epoch_visits_each_image_at_most_once_and_the_next_in_another_order(small: Small, few: ImageSet) -> None:
    marked = replace(few, images=torch.arange(40).to(torch.uint8)[:, None, None, None].repeat(1, 1, 32, 32))
    trainer = Trainer(small({"steps": 6}), marked)
    seen = inputs_of(trainer.discriminator)
    list(trainer.fit())
    batches = [pixels.to_uint8(batch)[:, 0, 0, 0].tolist() for batch in seen[::3]]  # real, fake, fake of G
    epochs = [batches[i] + batches[i + 1] for i in (0, 2, 4)]
    for epoch in epochs:
        assert len(epoch) == 32 and len(set(epoch)) == 32
    assert epochs[0] != epochs[1] and epochs[1] != epochs[2]
    assert set().union(*epochs) == set(range(40))  # those left out of one epoch come in another


def test_label_goes_with_its_image(small: Small, few: ImageSet) -> None:
    marked = replace(few, images=(torch.arange(40) % 10).to(torch.uint8)[:, None, None, None].repeat(1, 1, 32, 32))
    trainer = Trainer(small({"model.family": "acgan"}), replace(marked, labels=torch.arange(40) % 10))
    for _ in range(4):
        images, labels = trainer.batches.at(trainer.batches.draw())
        assert labels is not None
        assert pixels.to_uint8(images)[:, 0, 0, 0].tolist() == labels.tolist()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_train(small: Small, few: ImageSet, family: str, precision: str) -> None:
    trainer = Trainer(small({"model.family": family, "precision": precision, "steps": 2}), few)
    dtypes: list[torch.dtype] = []
    trainer.discriminator.register_forward_hook(lambda _m, _i, output: dtypes.append(output.logits.dtype))
    before = copies(trainer.generator) + copies(trainer.discriminator)
    rows = [row for progress in trainer.fit() for row in progress.rows]
    after = [*trainer.generator.parameters(), *trainer.discriminator.parameters()]
    assert trainer.applied()["precision"] == precision
    assert all(torch.isfinite(torch.tensor(list(row.values()))).all() for row in rows)
    assert all(not torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(weight.dtype == torch.float32 for weight in after)
    assert set(dtypes) == {getattr(torch, precision)}


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_bfloat16_where_the_processor_has_it(
    native: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    assert resolve_precision("auto", torch.device("cpu")) == expected
    assert [resolve_precision(name, torch.device("cpu")) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_trainer_leaves_the_global_random_state_alone(small: Small, few: ImageSet) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    weights = copies(Trainer(small({"model.family": "acgan"}), few).generator)
    Trainer(small({"model.family": "acgan"}), few).step()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    again = copies(Trainer(small({"model.family": "acgan"}), few).generator)
    assert all(torch.equal(one, other) for one, other in zip(weights, again, strict=True))


def test_seed_changes_weights_order_and_latents(small: Small, few: ImageSet) -> None:
    one, other = (Trainer(small({"seed": seed}), few) for seed in (0, 1))
    assert not torch.equal(copies(one.generator)[0], copies(other.generator)[0])
    assert not torch.equal(one.batches.state_dict()["order"], other.batches.state_dict()["order"])
    assert not torch.equal(one.updates.passes.latents(4)[0], other.updates.passes.latents(4)[0])


def test_data_that_a_trial_cannot_use_is_refused(small: Small, few: ImageSet) -> None:
    with pytest.raises(DataError, match="needs labels") as caught:
        Trainer(small({"model.family": "acgan"}), replace(few, labels=None))
    assert caught.value.path == "model.family"
    with pytest.raises(DataError, match="41 is more than the 40") as caught:
        Trainer(small({"batch_size": 41}), few)
    assert caught.value.path == "batch_size"


def test_pictures_come_when_they_are_due_and_at_the_end(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"steps": 5, "evaluation.every": 2}), few)
    progress: list[Progress] = list(trainer.fit())
    assert [one.snapshot.step for one in progress if one.snapshot] == [2, 4, 5]
    assert [row["step"] for one in progress for row in one.rows if "diversity/ratio" in row] == [0, 2, 4, 5]
    assert all(one.snapshot.images.shape == (64, 1, 32, 32) for one in progress if one.snapshot)


def test_untrained_generator_is_measured_once_before_the_first_step(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small({"steps": 3}), few)
    untrained = sampling.diversity(trainer.evaluation.draw(trainer.generator)[0])
    first, second = trainer.step().rows, trainer.step().rows
    (row,) = [row for row in first if "diversity/ratio" in row]
    assert (row["step"], row["diversity/samples"]) == (0, untrained)
    assert first[0] is row  # rows come in the order of their steps
    resumed = Trainer(small({"steps": 3}), few)
    resumed.load_state_dict(trainer.state_dict())
    assert not [row for row in [*second, *resumed.step().rows] if row["step"] == 0]


@pytest.mark.parametrize(("n_critic", "draws"), [(1, 1), (3, 4)])
def test_generator_is_judged_on_the_batch_of_a_single_critic_update_else_on_its_own(
    small: Small, few: ImageSet, n_critic: int, draws: int
) -> None:
    """One D update: the DCGAN authors' loop. Several: Gulrajani et al. 2017, algorithm 1, line 9."""
    trainer = Trainer(small({"loss.n_critic": n_critic}), few)
    drawn: list[torch.Tensor] = []
    trainer.generator.register_forward_hook(
        lambda module, _i, images: drawn.append(images) if module.training else None
    )
    trainer.step()
    assert len(drawn) == draws
