"""Evaluators are made ready once, before anything trains, and a trial keeps the one that it began with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import TINY

from gan_core.evaluation import features
from gan_core.evaluation.classifier import Classifier, train_classifier
from gan_core.evaluation.evaluator import MIN_CLASSIFIER_ACCURACY, Evaluator
from orchestrator.errors import UserError
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution

MakePlan = Callable[..., Plan]


def two_shades(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Dark images and light ones, with some noise: easily told apart."""
    labels = np.arange(count) % 2
    noise = np.random.RandomState(0).randint(0, 60, (count, 32, 32))
    return (labels[:, None, None] * 150 + noise).astype(np.uint8), labels


@pytest.fixture
def plan_of(tmp_path: Path) -> MakePlan:
    """plan_of(labels, evaluation): the tiny sweep on 90 images of two shades with these labels, or with none."""
    images, right = two_shades()

    def make(labels: np.ndarray | None = right, evaluation: str = "{every: 4, samples: 80}", **more: Any) -> Plan:
        arrays = {"images": images, **more} | ({} if labels is None else {"labels": labels})
        np.savez(tmp_path / "mine.npz", **arrays)
        data = f"trial:\n  data: {{name: npz, path: {tmp_path / 'mine.npz'}}}\n"
        text = TINY.replace("trial:\n", data).replace("{every: 4, samples: 80, features: random}", evaluation)
        (tmp_path / "tiny.yaml").write_text(text)
        return make_plan(loader.load(tmp_path / "tiny.yaml"), tmp_path / "home")

    return make


class Messages:
    """What was reported while evaluators were prepared."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []


def prepared(plan: Plan) -> tuple[dict[str, Evaluator], Messages]:
    messages = Messages()
    home = plan.folder.folder.parent.parent
    return build_evaluators(plan, home, messages.phases.append, messages.notes.append), messages


@pytest.fixture(scope="module", autouse=True)
def _trained_once() -> Iterator[None]:
    """A classifier of the same images and labels is trained once for all tests of this file."""
    trained: dict[bytes, Classifier] = {}

    def train(images: torch.Tensor, labels: torch.Tensor, classes: int) -> Classifier:
        content = images.numpy().tobytes() + labels.numpy().tobytes() + bytes([classes])
        if content not in trained:
            trained[content] = train_classifier(images, labels, classes)
        return copy.deepcopy(trained[content])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "train_classifier", train)
        yield


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each classifier that is trained: its images."""
    image_counts: list[int] = []
    train = features.train_classifier

    def counted(images: torch.Tensor, labels: torch.Tensor, classes: int) -> Classifier:
        image_counts.append(len(images))
        return train(images, labels, classes)

    monkeypatch.setattr(features, "train_classifier", counted)
    return image_counts


def began_with(plan: Plan, evaluators: dict[str, Evaluator], steps: int = 2) -> None:
    """The first trial takes some steps and is interrupted."""
    planned = plan.trials[0]
    images = plan.images[planned.fingerprint]
    execution = TrialExecution(plan.folder.trial(planned.key), planned.config, images, evaluators[planned.evaluation])
    execution.begin()
    for _ in range(steps):
        execution._take_step()
    execution.suspend()


def test_one_classifier_serves_all_trials_and_is_trained_once(plan_of: MakePlan, trainings: list[int]) -> None:
    plan = plan_of()
    first, messages = prepared(plan)
    (planned,) = {planned.evaluation for planned in plan.trials}
    assert set(first) == {planned}
    assert trainings == [78]  # of 90 images, one in seven is for testing
    home = plan.folder.folder.parent.parent
    assert (home / "evaluators" / f"{plan.trials[0].fingerprint}.pt").is_file()
    later, later_messages = prepared(plan_of())
    assert trainings == [78]
    assert later[planned].id == first[planned].id
    assert torch.equal(later[planned].vectors, first[planned].vectors)
    assert later[planned].features.accuracy == first[planned].features.accuracy
    assert messages.phases == later_messages.phases == ["preparing the evaluator of npz"]
    assert messages.notes == later_messages.notes


def test_how_good_the_classifier_is_is_said(plan_of: MakePlan) -> None:
    evaluators, messages = prepared(plan_of())
    (evaluator,) = evaluators.values()
    test_accuracy = "right on 100.0% of 12 test images (95% interval 75.8% to 100.0%), at least 5 of each class"
    assert messages.notes == [f"evaluator of npz: {evaluator.id}, a classifier that is {test_accuracy}"]


def test_a_class_with_hardly_any_test_image_is_a_caution(plan_of: MakePlan) -> None:
    labels = (np.arange(90) < 20).astype(np.int64)
    noise = np.random.RandomState(0).randint(0, 60, (90, 32, 32))
    _, messages = prepared(plan_of(labels, images=(labels[:, None, None] * 150 + noise).astype(np.uint8)))
    (note,) = messages.notes
    assert note.startswith("caution: evaluator of npz")
    assert note.endswith("of which only 3 show class 1: nothing says how well it knows such a class")


def test_a_classifier_that_is_wrong_too_often_is_a_caution(plan_of: MakePlan) -> None:
    guess = np.random.RandomState(1).randint(0, 2, 90)  # labels that have nothing to do with the images
    _, messages = prepared(plan_of(guess))
    (note,) = messages.notes
    assert note.startswith("caution: evaluator of npz")
    assert f"below {MIN_CLASSIFIER_ACCURACY:.0%}: classes covered and class agreement are rough" in note


def test_images_without_labels_are_measured_in_random_features_with_a_caution(
    plan_of: MakePlan, trainings: list[int]
) -> None:
    evaluators, messages = prepared(plan_of(None))
    (evaluator,) = evaluators.values()
    assert evaluator.features.kind == "random"
    assert evaluator.id.startswith("random-")
    (note,) = messages.notes
    assert note.startswith("caution: npz is measured in random features")
    assert evaluator.id in note
    assert "labels" in note
    assert trainings == []


def test_random_features_that_were_asked_for_are_not_blamed_on_the_data(plan_of: MakePlan) -> None:
    evaluators, messages = prepared(plan_of(evaluation="{every: 4, samples: 80, features: random}"))
    assert [evaluator.features.kind for evaluator in evaluators.values()] == ["random"]
    assert "has no labels" not in " ".join(messages.notes)


def test_ways_of_measuring_have_an_evaluator_each_and_share_the_classifier(
    plan_of: MakePlan, trainings: list[int], tmp_path: Path
) -> None:
    plan_of()
    text = (tmp_path / "tiny.yaml").read_text().replace("samples: 80", "samples: 80, split: train")
    grid = "      evaluation.samples: [80, 90]\n      evaluation.every: [2, 4]\n"
    (tmp_path / "tiny.yaml").write_text(text + grid)
    plan = make_plan(loader.load(tmp_path / "tiny.yaml"), tmp_path / "home")
    evaluators, messages = prepared(plan)
    assert set(evaluators) == {planned.evaluation for planned in plan.trials}
    assert len(evaluators) == 2  # how often does not matter
    assert len({evaluator.id for evaluator in evaluators.values()}) == 2
    assert len(messages.notes) == 2
    assert trainings == [78]


def test_a_trial_that_is_half_done_is_not_measured_with_another_evaluator(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of()
    evaluators, _ = prepared(plan)
    (before,) = evaluators.values()
    began_with(plan, evaluators)
    assert [evaluator.id for evaluator in prepared(plan_of())[0].values()] == [before.id]  # the same: it goes on

    cache = tmp_path / "home" / "evaluators" / f"{plan.trials[0].fingerprint}.pt"
    cache.unlink()
    images = plan.images[plan.trials[0].fingerprint]
    assert images.labels is not None
    features.classifier(replace(images, labels=1 - images.labels), cache)  # as if another machine had trained it
    later = plan_of()
    with pytest.raises(UserError) as caught:
        prepared(later)
    message = str(caught.value)
    name = later.trials[0].trial.name
    assert message.startswith(f"{name} was measured with {before.id} so far, and the evaluator is now classifier-")
    assert message.count(before.id) == 1
    assert "Put the weights back, or give the sweep another name" in message
    assert later.folder.trial(later.trials[0].key).record() == later.trials[0].record  # nothing was started


def test_a_trial_of_which_nothing_is_left_takes_any_evaluator(plan_of: MakePlan) -> None:
    """One that failed before its first checkpoint."""
    plan = plan_of()
    folder = plan.folder.trial(plan.trials[0].key)
    record = folder.record()
    record.status, record.evaluator = "failed", {"id": "classifier-00000000"}
    folder.folder.mkdir(parents=True)
    folder.write_record(record)
    prepared(plan_of())


def test_a_finished_trial_that_was_measured_otherwise_is_a_caution(plan_of: MakePlan) -> None:
    plan = plan_of()
    folder = plan.folder.trial(plan.trials[0].key)
    record = folder.record()
    record.status, record.step, record.evaluator = "finished", 8, {"id": "classifier-00000000"}
    folder.folder.mkdir(parents=True)
    folder.write_record(record)
    evaluators, messages = prepared(plan_of())
    (evaluator,) = evaluators.values()
    name = plan.trials[0].trial.name
    expected = (
        f"caution: {name} was measured with classifier-00000000, not {evaluator.id}: their numbers cannot be compared"
    )
    assert messages.notes[1:] == [expected]


def test_nothing_is_prepared_where_nothing_is_left_to_do(plan_of: MakePlan, trainings: list[int]) -> None:
    plan = plan_of()
    for planned in plan.trials:
        folder = plan.folder.trial(planned.key)
        record = folder.record()
        record.status, record.step = "finished", 8
        record.evaluator = {"id": "classifier-00000000"}  # whatever it was: its numbers are there
        folder.folder.mkdir(parents=True)
        folder.write_record(record)
    evaluators, messages = prepared(plan_of())
    assert (evaluators, messages.phases, messages.notes, trainings) == ({}, [], [], [])


def test_a_home_of_another_user_can_be_read_and_what_is_missing_there_is_one_line(
    plan_of: MakePlan, trainings: list[int], tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "evaluators"
    (folder / "lock").mkdir(parents=True)  # as little can be locked as another user's file
    with pytest.raises(UserError, match=r"evaluators cannot be written \(Is a directory\); choose another --home"):
        prepared(plan_of())
    (folder / "lock").rmdir()
    prepared(plan_of())
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    prepared(plan_of())
    assert len(trainings) == 1


def test_a_damaged_classifier_is_not_replaced_without_asking(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of()
    cache = tmp_path / "home" / "evaluators" / f"{plan.trials[0].fingerprint}.pt"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"cut off")
    with pytest.raises(UserError, match="delete the file to have the classifier trained again") as caught:
        prepared(plan)
    assert str(cache) in str(caught.value)
    assert cache.read_bytes() == b"cut off"


def test_the_classifier_of_other_data_is_a_users_mistake(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of()
    prepared(plan)
    folder = tmp_path / "home" / "evaluators"
    other = plan_of(1 - two_shades()[1])
    (folder / f"{plan.trials[0].fingerprint}.pt").rename(folder / f"{other.trials[0].fingerprint}.pt")
    with pytest.raises(UserError, match="holds the classifier of other data; delete it"):
        prepared(other)


def test_a_classifier_that_could_not_be_tested_is_a_caution(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_accuracy", lambda *given: None)
    evaluators, messages = prepared(plan_of())
    (evaluator,) = evaluators.values()
    assert messages.notes == [
        f"caution: the classifier of npz ({evaluator.id}) could not be tested: no test image has a label"
    ]


def test_weights_that_are_not_inceptions_are_a_users_mistake(plan_of: MakePlan, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"no weights")
    images, _ = two_shades(2450)
    evaluation = f"{{every: 4, samples: 2049, features: inception, weights: {tmp_path / 'w.pth'}}}"
    plan = plan_of(None, evaluation, images=images)
    with pytest.raises(UserError, match=r"^trial\.evaluation\.weights: .*w\.pth does not hold the weights"):
        prepared(plan)


def test_what_a_killed_command_left_of_a_classifier_goes_when_the_next_one_needs_it(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    half = tmp_path / "home" / "evaluators" / ".abc.pt.123.tmp"
    half.parent.mkdir(parents=True)
    half.write_text("half")
    build_evaluators(plan_of(), tmp_path / "home", lambda text: None, lambda text: None)
    left = sorted(file.suffix for file in half.parent.iterdir())
    assert left == ["", ".pt", ".pt"]  # the lock, the classifier and the evaluator
