"""Being right on two test images is not being right."""

from __future__ import annotations

import pytest

from orchestrator.planning.classifier_accuracy import accuracy_text, hardly_tested


def test_an_accuracy_stands_with_its_count_and_its_interval() -> None:
    assert accuracy_text(0.98, {"a": 100, "b": 100}) == (
        "right on 98.0% of 200 test images (95% interval 95.0% to 99.2%)"
    )


def test_classes_with_hardly_any_test_image_are_named() -> None:
    assert accuracy_text(1.0, {"a": 200, "b": 1, "c": 2}) == (
        "right on 100.0% of 203 test images (95% interval 98.1% to 100.0%), of which only 1 shows class b, "
        "2 show class c"
    )


def test_few_test_images_of_a_class_are_said() -> None:
    assert accuracy_text(1.0, {"a": 40, "b": 12}).endswith("100.0%), at least 12 of each class")


@pytest.mark.parametrize(("accuracy", "text"), [(None, "never tested"), (0.987, "right on 98.7% of test images")])
def test_what_is_not_known_is_not_said(accuracy: float | None, text: str) -> None:
    assert accuracy_text(accuracy, {}) == text


def test_many_such_classes_are_counted() -> None:
    assert hardly_tested({f"c{number}": number for number in range(10)}) == (
        "0 show class c0, 1 shows class c1, 2 show class c2, fewer than 5 show each of 2 more classes"
    )
    assert hardly_tested({"a": 5, "b": 30}) == ""
