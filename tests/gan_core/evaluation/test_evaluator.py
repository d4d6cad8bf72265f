"""An evaluator measures under an identity of its own, and refuses what it could not measure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_core.config.sections import EvaluationConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import evenly_spaced
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import evaluator as module
from gan_core.evaluation.dimensions import EMBEDDING_DIMENSIONS, INCEPTION_DIMENSIONS
from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import Features, random_features
from gan_core.evaluation.frechet import frechet_distance, moments
from gan_core.evaluation.modes import class_agreement, class_divergence
from gan_core.evaluation.requirements import check_evaluation, features_kind

METRICS = {
    *("frechet", "kernel", "kernel_spread", "precision", "recall", "density", "coverage"),
    *("modes", "class_divergence", "class_agreement", "frechet_infinity", "authenticity", "copied"),
    *("class_recall", "weakest_class", "frechet_to_training", "frechet_to_held_out", "distinct_images"),
}
OF_CLASSES = {"class_agreement", "class_recall", "weakest_class"}
"""Measured only if the generator was asked for classes."""


def configured(**evaluation: Any) -> EvaluationConfig:
    return EvaluationConfig.model_validate({"samples": 128} | evaluation)


def noise(count: int) -> Tensor:
    return torch.randint(256, (count, 1, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def plain(measured: dict[str, float]) -> dict[str, float]:
    """Without the evaluator's id."""
    return {name.split("/")[0]: value for name, value in measured.items()}


def as_held_out(measured: dict[str, float]) -> dict[str, float]:
    """What held-out images are measured in: not in their distance to themselves."""
    scores = plain(measured)
    return {name: value for name, value in scores.items() if not name.startswith("frechet_to")}


@pytest.fixture(scope="module")
def of_digits(digits: ImageSet, digit_features: Features) -> Evaluator:
    return build(configured(samples=512), digits, digit_features)


@pytest.fixture(scope="module")
def of_parts(digits: ImageSet, digit_features: Features) -> dict[str, Evaluator]:
    """An evaluator of few samples for each part of the digits."""
    return {split: build(configured(split=split), digits, digit_features) for split in ("train", "test")}


@pytest.fixture(scope="module")
def part(digits: ImageSet) -> ImageSet:
    """Digits enough to be measured, and few, for tests that build several evaluators."""
    assert digits.labels is not None and digits.test_labels is not None
    return replace(
        digits,
        images=digits.images[:200],
        labels=digits.labels[:200],
        test_images=digits.test_images[:150],
        test_labels=digits.test_labels[:150],
    )


def test_every_metric_has_the_id_in_its_name(of_digits: Evaluator, digits: ImageSet) -> None:
    asked = torch.arange(256) % 10
    measured = of_digits.measure(digits.test_images, asked)
    assert set(measured) == {f"{name}/{of_digits.id}" for name in METRICS}
    assert of_digits.id.startswith("classifier-") and len(of_digits.id) == len("classifier-") + 8
    unasked = of_digits.measure(digits.test_images)
    assert set(measured) - set(unasked) == {f"{name}/{of_digits.id}" for name in OF_CLASSES}
    of_order = f"frechet_infinity/{of_digits.id}"  # each of its parts has an equal share of the classes asked for
    assert {name for name in unasked if measured[name] != unasked[name]} == {of_order}


def test_an_evaluator_is_the_same_however_many_cores_its_machine_has(
    of_digits: Evaluator, digits: ImageSet, digit_features: Features
) -> None:
    """`of_digits` was built with one thread."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        other = build(configured(samples=512), digits, digit_features)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert torch.equal(of_digits.vectors, other.vectors)
    assert torch.equal(of_digits.moments.covariance, other.moments.covariance)
    assert of_digits.kept_out == other.kept_out


def test_random_features_know_no_classes(digits: ImageSet) -> None:
    evaluator = build(configured(), digits, random_features(1))
    assert evaluator.histogram is None and evaluator.expected_modes is None
    measured = plain(evaluator.measure(digits.test_images, torch.arange(256) % 10))
    assert METRICS - set(measured) == {"modes", "class_divergence", "class_agreement", "class_recall", "weakest_class"}


def test_the_metrics_are_those_of_their_files(of_digits: Evaluator, digits: ImageSet, digit_features: Features) -> None:
    images, asked = digits.test_images[:200], torch.arange(200) % 10
    measured = plain(of_digits.measure(images, asked))
    vectors, classes = digit_features(images)
    assert classes is not None and digits.labels is not None
    real = digit_features(digits.images).vectors  # all of the part, not only as many as are drawn
    assert measured["frechet"] == pytest.approx(frechet_distance(moments(real), moments(vectors)), rel=1e-9)
    assert measured["modes"] == len(classes.unique())
    assert measured["class_divergence"] == pytest.approx(class_divergence(classes, digits.labels.bincount()))
    assert measured["class_agreement"] == class_agreement(classes, asked)
    compared = digit_features(digits.images[evenly_spaced(len(digits), 512)]).vectors
    torch.testing.assert_close(of_digits.vectors, compared, rtol=0, atol=1e-4)


def test_real_images_of_the_other_part_score_near_the_best_there_is(of_digits: Evaluator, digits: ImageSet) -> None:
    real, worst = of_digits.kept_out, plain(of_digits.measure(noise(256)))
    assert digits.test_labels is not None
    assert real == {"count": 256} | as_held_out(of_digits.measure(digits.test_images, digits.test_labels))
    assert real["frechet"] < 0.05 * worst["frechet"]
    assert abs(real["kernel"]) < 2 * real["kernel_spread"] and real["kernel"] < 0.1 * worst["kernel"]
    assert real["precision"] > 0.8 and real["recall"] > 0.8 and real["coverage"] > 0.7
    assert (real["modes"], real["class_agreement"]) == (10, pytest.approx(1, abs=0.03))
    assert real["class_divergence"] < 0.1
    assert worst["precision"] < 0.1 and worst["coverage"] < 0.1 and worst["modes"] < 10


def test_card_is_the_identity_with_what_a_reader_wants_to_know(of_digits: Evaluator, digits: ImageSet) -> None:
    card = of_digits.card()
    assert json.loads(json.dumps(card)) == card  # as it is kept
    expected = {
        "id": of_digits.id,
        "features": "classifier",
        "weights": of_digits.features.weights_hash,
        "data": digits.fingerprint,
        "split": "train",
        "real": len(digits),
        "samples": 512,
        "compared": 512,
        "accuracy": of_digits.features.accuracy,
        "kept_out": of_digits.kept_out,
    }
    assert {name: card[name] for name in expected} == expected


def test_too_few_other_images_have_no_scores(part: ImageSet) -> None:
    for count, known in (
        (0, {}),
        (EMBEDDING_DIMENSIONS, {}),
        (EMBEDDING_DIMENSIONS + 1, {"count": EMBEDDING_DIMENSIONS + 1}),
    ):
        images = replace(part, test_images=part.test_images[:count], test_labels=None)
        kept_out = build(configured(), images, random_features(1)).kept_out
        assert {name: value for name, value in kept_out.items() if name == "count"} == known
        assert bool(kept_out) is bool(known)


def test_no_more_other_images_are_measured_than_samples(part: ImageSet) -> None:
    chosen = random_features(1)
    evaluator = build(configured(samples=70), part, chosen)
    some = part.test_images[evenly_spaced(len(part.test_images), 70)]
    assert evaluator.kept_out == {"count": 70} | as_held_out(evaluator.measure(some))


@pytest.mark.parametrize("split", ["train", "test"])
def test_samples_are_compared_with_the_part_asked_for_and_the_other_scores(
    of_parts: dict[str, Evaluator], digits: ImageSet, split: str
) -> None:
    evaluator = of_parts[split]
    here, there = (digits.images, digits.test_images) if split == "train" else (digits.test_images, digits.images)
    assert evaluator.identity["real"] == len(here)
    assert plain(evaluator.measure(here))["frechet"] < 1e-6
    assert evaluator.kept_out["count"] == min(128, len(there))
    some = evenly_spaced(len(there), 128)
    labels = digits.test_labels if split == "train" else digits.labels
    assert labels is not None
    unseen = plain(evaluator.measure(digits.test_images[evenly_spaced(256, 128)]))  # by training, whatever the split
    likeness = {name: unseen[name] for name in ("authenticity", "copied")}
    assert evaluator.kept_out == {"count": 128} | as_held_out(evaluator.measure(there[some], labels[some])) | likeness


def test_anything_that_the_numbers_depend_on_changes_the_id_and_every_name(part: ImageSet) -> None:
    base, random = configured(), random_features(1)
    altered = random_features(1)
    next(altered.network.parameters())[0, 0, 0, 0] += 1
    altered = replace(altered, weights_hash="0" * 12)
    made = [
        build(base, part, random),
        build(configured(samples=129), part, random),
        build(configured(split="test"), part, random),
        build(base, replace(part, fingerprint="0" * 16), random),
        build(base, part, altered),
        build(base, part, replace(random, preprocessing="another")),
        build(base, part, replace(random, kind="inception2")),
    ]
    assert len({evaluator.id for evaluator in made}) == len(made)
    images = part.test_images[:80]
    names = [set(evaluator.measure(images)) for evaluator in made[:-1]]
    for number, one in enumerate(names):
        assert all(not one & other for other in names[:number])


def test_a_rule_of_the_metrics_is_a_part_of_the_identity(part: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build(configured(), part, random_features(1))
    for rule in ("NEIGHBOURS", "PROTOCOL"):
        monkeypatch.setattr(module, rule, 3)
        assert build(configured(), part, random_features(1)).id != before.id, rule
        monkeypatch.undo()
    monkeypatch.setattr(module, "MAX_COMPARED", 100)
    fewer = build(configured(), part, random_features(1))
    assert fewer.id != before.id and len(fewer.vectors) == 100 and len(before.vectors) == 128


def test_the_id_does_not_depend_on_how_often_or_where(part: ImageSet) -> None:
    ids = {
        build(configured(every=every), replace(part, name=name), random_features(1)).id
        for every, name in ((1, "digits"), (7, "digits"), (7, "the same under another name"))
    }
    assert len(ids) == 1


def test_the_same_images_score_the_same_and_the_random_state_is_left_alone(
    of_digits: Evaluator, digits: ImageSet
) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = of_digits.measure(digits.test_images[:100])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert of_digits.measure(digits.test_images[:100]) == first


@pytest.mark.parametrize("limit", [50, 99])
def test_pairs_are_taken_of_a_fair_part_where_there_are_many_samples(
    part: ImageSet, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """All images count for the Frechet distance; for the others those that are spread over them."""
    images = part.test_images[:100]
    chosen = random_features(1)
    whole = plain(build(configured(), part, chosen).measure(images))
    monkeypatch.setattr(module, "MAX_COMPARED", limit)
    evaluator = build(configured(), part, chosen)
    some = plain(evaluator.measure(images))
    assert some["frechet"] == whole["frechet"]
    alone = plain(evaluator.measure(images[evenly_spaced(100, limit)]))
    assert {n: some[n] for n in ("kernel", "precision", "density")} == {
        n: alone[n] for n in ("kernel", "precision", "density")
    }


# The number of classes that real images would show


@pytest.mark.parametrize("samples", [16, 100, 1000])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_expected_modes_of_equal_classes_are_those_of_the_coupon_collector(
    of_digits: Evaluator, samples: int, classes: int
) -> None:
    histogram = torch.full((classes,), 7.0).double()
    evaluator = replace(of_digits, histogram=histogram, identity=of_digits.identity | {"samples": samples})
    assert evaluator.expected_modes == pytest.approx(classes * (1 - (1 - 1 / classes) ** samples), rel=1e-12)


def test_expected_modes_of_unequal_classes_are_those_of_drawing(of_digits: Evaluator) -> None:
    histogram = torch.tensor([900.0, 90.0, 9.0, 1.0]).double()
    evaluator = replace(of_digits, histogram=histogram, identity=of_digits.identity | {"samples": 100})
    random = torch.Generator().manual_seed(0)
    drawn = torch.multinomial(histogram.expand(4000, 4), 100, replacement=True, generator=random)
    shown = torch.nn.functional.one_hot(drawn, 4).amax(dim=1).sum(dim=1).double()
    assert evaluator.expected_modes == pytest.approx(shown.mean().item(), abs=4 * shown.std().item() / 4000**0.5)


def test_histogram_is_of_the_labels_of_the_part(of_parts: dict[str, Evaluator], digits: ImageSet) -> None:
    assert digits.labels is not None and digits.test_labels is not None
    for split, labels in (("train", digits.labels), ("test", digits.test_labels)):
        histogram = of_parts[split].histogram
        assert histogram is not None
        assert histogram.tolist() == labels.bincount(minlength=10).tolist()


# What cannot be measured


def trial(**evaluation: Any) -> TrialConfig:
    return TrialConfig.model_validate({"evaluation": {"samples": 128} | evaluation})


def refused(images: ImageSet, setting: str, **evaluation: Any) -> str:
    with pytest.raises(DataError) as caught:
        check_evaluation(trial(**evaluation), images)
    assert caught.value.path == f"evaluation.{setting}"
    return str(caught.value)


def unlabelled(digits: ImageSet) -> ImageSet:
    return replace(digits, labels=None, test_labels=None)


def one_class(digits: ImageSet) -> ImageSet:
    return replace(digits, labels=torch.zeros(len(digits)).long(), class_names=("all",))


@pytest.mark.parametrize("features", ["auto", "classifier", "random"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_can_be_measured(digits: ImageSet, features: str, split: str) -> None:
    check_evaluation(trial(features=features, split=split), digits)


def test_auto_is_a_classifier_where_there_are_classes_to_tell_apart(digits: ImageSet) -> None:
    kinds = [features_kind(configured(), images) for images in (digits, unlabelled(digits), one_class(digits))]
    assert kinds == ["classifier", "random", "random"]
    assert features_kind(configured(features="random"), digits) == "random"
    check_evaluation(trial(), unlabelled(digits))


def test_classifier_needs_classes_to_tell_apart(digits: ImageSet) -> None:
    for images in (unlabelled(digits), one_class(digits)):
        message = refused(images, "features", features="classifier")
        assert "labels of at least 2 classes" in message and "use random or inception" in message


@pytest.mark.parametrize("split", ["train", "test"])
def test_class_without_an_image_in_the_part_is_named(digits: ImageSet, split: str) -> None:
    assert digits.labels is not None and digits.test_labels is not None
    keep = {"train": digits.labels != 7, "test": digits.test_labels != 7}[split]
    if split == "train":
        images = replace(digits, images=digits.images[keep], labels=digits.labels[keep])
    else:
        images = replace(digits, test_images=digits.test_images[keep], test_labels=digits.test_labels[keep])
    message = refused(images, "features", split=split)
    assert f"the {split} part has no image of class 7" in message
    assert "data.classes" in message and "evaluation.features: random" in message
    check_evaluation(trial(split="test" if split == "train" else "train"), images)
    check_evaluation(trial(split=split, features="random"), images)


def test_a_covariance_needs_more_samples_than_features(digits: ImageSet) -> None:
    least = EMBEDDING_DIMENSIONS + 1
    assert f"{least - 1} generated images are too few" in refused(digits, "samples", samples=least - 1)
    assert str(least) in refused(digits, "samples", samples=least - 1)
    check_evaluation(trial(samples=least), digits)
    stacked = replace(digits, images=digits.images.repeat(1, 3, 1, 1), test_images=digits.test_images, stacked=True)
    assert str(3 * EMBEDDING_DIMENSIONS + 1) in refused(stacked, "samples", samples=3 * EMBEDDING_DIMENSIONS)
    check_evaluation(trial(samples=3 * EMBEDDING_DIMENSIONS + 1), stacked)
    check_evaluation(trial(samples=least, features="random"), stacked)  # which looks at all channels at once


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_covariance_needs_more_real_images_than_features(digits: ImageSet, split: str) -> None:
    images = {"images" if split == "train" else "test_images": digits.images[:EMBEDDING_DIMENSIONS]}
    few = replace(unlabelled(digits), **images)
    with pytest.raises(DataError) as caught:
        check_evaluation(trial(split=split), few)
    part = "training" if split == "train" else "test"
    assert (
        f"{EMBEDDING_DIMENSIONS} {part} images are too few; quality needs at least {EMBEDDING_DIMENSIONS + 1}"
        in str(caught.value)
    )
    assert caught.value.path == ("data.name" if split == "train" else "evaluation.split")
    check_evaluation(trial(split="test" if split == "train" else "train"), few)


def test_inception_needs_its_weights_and_as_many_images_as_its_covariance(digits: ImageSet, tmp_path: Path) -> None:
    missing = {"features": "inception", "weights": str(tmp_path / "nowhere.pth")}
    assert "nowhere.pth" in refused(digits, "weights", **missing)
    (tmp_path / "any.pth").write_bytes(b"any")
    there = {"features": "inception", "weights": str(tmp_path / "any.pth")}
    least = INCEPTION_DIMENSIONS + 1
    assert str(least) in refused(digits, "samples", samples=least - 1, **there)
    assert str(least) in refused(digits, "features", samples=least, **there)  # 1,541 training images
    many = replace(digits, images=digits.images.repeat(2, 1, 1, 1), labels=None)
    check_evaluation(trial(samples=least, **there), many)


def test_dinov2_needs_as_many_images_as_the_features_in_its_file(digits: ImageSet, tmp_path: Path) -> None:
    missing = {"features": "dinov2", "weights": str(tmp_path / "nowhere.pth")}
    assert "nowhere.pth" in refused(digits, "weights", **missing)
    vit = {"patch_embed.proj.weight": torch.zeros(384, 3, 14, 14), "blocks.0.ls1.gamma": torch.zeros(384)}
    torch.save({"pos_embed": torch.zeros(1, 1370, 384), **vit}, tmp_path / "vit.pth")
    there = {"features": "dinov2", "weights": str(tmp_path / "vit.pth")}
    assert "385" in refused(digits, "samples", samples=384, **there)
    check_evaluation(trial(samples=385, **there), digits)
    assert "385" in refused(replace(digits, images=digits.images[:384]), "features", samples=385, **there)
    torch.save(vit, tmp_path / "half.pth")
    assert "pos_embed" in refused(digits, "weights", features="dinov2", weights=str(tmp_path / "half.pth"))


# Memorisation, classes, and the extrapolated distance


@pytest.mark.parametrize("split", ["train", "test"])
def test_copies_of_training_images_are_seen_whatever_the_samples_are_compared_with(part: ImageSet, split: str) -> None:
    evaluator = build(configured(split=split), part, random_features(1))
    copies = plain(evaluator.measure(part.images[:128]))
    assert (copies["authenticity"], copies["copied"]) == (0.0, 1.0)
    assert evaluator.kept_out["authenticity"] > 0.3 and evaluator.kept_out["copied"] < 0.1


def test_copies_are_looked_for_among_an_even_choice_of_very_many_images(
    part: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_VALUES", 50 * EMBEDDING_DIMENSIONS)
    before = build(configured(), part, random_features(1))
    assert before.card()["training"] == 50
    chosen = part.images[evenly_spaced(200, 50)]
    assert plain(before.measure(torch.cat([chosen, noise(50)])))["copied"] == 0.5


def test_a_class_that_is_drawn_without_variety_is_named(of_digits: Evaluator, digits: ImageSet) -> None:
    assert digits.labels is not None
    order = digits.labels.argsort(stable=True)
    starts = [int((digits.labels == label).nonzero()[0]) for label in range(10)]
    images = torch.cat([digits.images[order][digits.labels[order] == label][:30] for label in range(10)])
    asked = torch.arange(10).repeat_interleave(30)
    images[asked == 7] = digits.images[starts[7]]
    measured = plain(of_digits.measure(images, asked))
    assert (measured["class_recall"], measured["weakest_class"]) == (0.0, 7.0)
    assert measured["class_agreement"] > 0.99 and measured["recall"] > 0.5


@pytest.mark.parametrize("split", ["train", "test"])
def test_distances_to_as_many_training_as_held_out_images(part: ImageSet, split: str) -> None:
    evaluator = build(configured(split=split), part, random_features(1))
    samples = part.images[:100]
    vectors = evaluator.features(samples).vectors
    training, held_out = (
        frechet_distance(moments(evaluator.features(images).vectors), moments(vectors))
        for images in (part.images[evenly_spaced(200, 150)], part.test_images)
    )
    measured = plain(evaluator.measure(samples))
    assert measured["frechet_to_training"] == pytest.approx(training, rel=1e-6)
    assert measured["frechet_to_held_out"] == pytest.approx(held_out, rel=1e-6)


def test_few_samples_have_no_extrapolated_distance(of_digits: Evaluator, digits: ImageSet) -> None:
    assert "frechet_infinity" not in plain(of_digits.measure(digits.test_images[:255]))
    assert "frechet_infinity" in plain(of_digits.measure(digits.test_images))


def test_the_card_counts_the_test_images_of_each_class(of_digits: Evaluator, digits: ImageSet, part: ImageSet) -> None:
    assert digits.test_labels is not None
    assert list(of_digits.card()["tested"].values()) == digits.test_labels.bincount().tolist()
    assert list(of_digits.card()["tested"]) == list("0123456789")
    assert build(configured(), part, random_features(1)).card()["tested"] == {}


def test_new_metrics_leave_the_id_of_earlier_records_as_it_was(of_digits: Evaluator) -> None:
    assert of_digits.id == "classifier-21d32f5e"
