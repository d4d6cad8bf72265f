"""Real runs whose end is known: each verdict on a GAN that earned it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.real_data import real_images

from gan_core.config.identity import unflatten
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet, load
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import classifier, random_features
from gan_core.history import Row
from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Trainer
from gan_core.verdict.judge import Verdict, judge
from gan_core.verdict.reference_values import reference_values

pytestmark = pytest.mark.e2e


def trained(
    settings: dict[str, Any], images: ImageSet, evaluator: Evaluator
) -> tuple[TrialConfig, list[Row], tuple[int, str] | None]:
    """Trains to the end: configuration, history, and where it diverged."""
    config = TrialConfig.model_validate(unflatten(settings))
    torch.set_num_threads(1)
    trainer = Trainer(config, images, evaluator=evaluator)
    rows: list[Row] = []
    try:
        for progress in trainer.fit():
            rows += progress.rows
    except Diverged as event:
        return config, rows, (event.step, event.tensor)
    return config, rows, None


def verdict_of(settings: dict[str, Any], images: ImageSet, evaluator: Evaluator) -> Verdict:
    """Trains to the end and judges, as the orchestrator does."""
    config, rows, diverged = trained(settings, images, evaluator)
    return judge(rows, reference_values(config, images.channels, evaluator.card()), diverged)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageSet, Evaluator]:
    images = load(TrialConfig().data)
    features = classifier(images, tmp_path_factory.mktemp("evaluators") / "digits.pt")
    return images, build(TrialConfig().evaluation, images, features)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageSet, Evaluator]:
    images = real_images("mnist", tmp_path_factory.mktemp("data"))
    return images, build(TrialConfig().evaluation, images, random_features(images.channels))


def test_an_absurd_learning_rate_diverges(digits: tuple[ImageSet, Evaluator]) -> None:
    rates = {"model.family": "wgan_gp", "loss.n_critic": 2, "optimizer.lr": 1.0}
    verdict = verdict_of({**rates, "steps": 40, "evaluation.every": 20}, *digits)
    assert verdict.name == "diverged"


def test_a_strong_discriminator_with_a_slow_generator_saturates(digits: tuple[ImageSet, Evaluator]) -> None:
    """It gets as many images as other generators need to begin to draw."""
    rates = {"optimizer.generator.lr": 1e-6, "optimizer.discriminator.lr": 2e-4, "model.width": 4}
    verdict = verdict_of({**rates, "batch_size": 512, "steps": 100, "evaluation.every": 25}, *digits)
    assert verdict.name == "saturated"


@pytest.fixture(scope="module")
def standard(digits: tuple[ImageSet, Evaluator]) -> tuple[TrialConfig, list[Row]]:
    """The history of the standard DCGAN at its paper's learning rate."""
    return trained({"steps": 400, "evaluation.every": 50}, *digits)[:2]


def test_the_standard_dcgan_at_its_paper_s_learning_rate_is_stable(
    digits: tuple[ImageSet, Evaluator], standard: tuple[TrialConfig, list[Row]]
) -> None:
    config, rows = standard
    verdict = judge(rows, reference_values(config, 1, digits[1].card()))
    assert verdict.name == "stable"
    assert rows[-1][f"modes/{digits[1].id}"] >= 9


def test_the_same_dcgan_is_unfinished_before_it_draws_and_never_called_collapsed(
    digits: tuple[ImageSet, Evaluator], standard: tuple[TrialConfig, list[Row]]
) -> None:
    config, rows = standard
    against = reference_values(config, 1, digits[1].card())
    names = [judge([row for row in rows if row["step"] <= steps], against).name for steps in range(50, 401, 50)]
    drawn = names.index("stable")
    assert names[:drawn] == ["unfinished"] * drawn and drawn > 2
    assert names[drawn:] == ["stable"] * (len(names) - drawn)


def test_the_original_dcgan_at_2e_4_on_mnist_collapses(mnist: tuple[ImageSet, Evaluator]) -> None:
    verdict = verdict_of({"model.networks": "original", "optimizer.lr": 2e-4, "batch_size": 128, "steps": 400}, *mnist)
    assert verdict.name == "collapsed"
    assert "as diverse as the data" in verdict.reason
