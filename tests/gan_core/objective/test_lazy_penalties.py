"""R1 and R2 that are paid in every n-th update of D, n times as much."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.training.applied_settings import differences
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]
PENALTIES = {"stabilizers.r1": 3.0, "stabilizers.r2": 2.0, "model.discriminator_norm": "none", "model.init": "pytorch"}


def test_penalties_are_paid_every_third_time_three_times_as_much(small: Small, few: ImageSet) -> None:
    config = small(PENALTIES | {"steps": 7, "stabilizers.penalty_every": 3})
    trainer = Trainer(config, few)
    rows = [row for progress in trainer.fit() for row in progress.rows if "loss/r1" in row]
    for update, row in enumerate(rows):
        adversarial = (row["loss/discriminator_real"] + row["loss/discriminator_fake"]) / 2
        penalty = (3.0 * row["loss/r1"] + 2.0 * row["loss/r2"]) / 2
        paid = 3 * penalty if update % 3 == 0 else 0.0
        assert penalty > 0 and row["loss/discriminator"] == pytest.approx(adversarial + paid, rel=1e-5)
        last = rows[update - update % 3]
        assert (row["loss/r1"], row["loss/r2"]) == (last["loss/r1"], last["loss/r2"])
    assert trainer.applied()["stabilizers"] == {"r1": 3.0, "r2": 2.0, "penalty_every": 3}
    assert differences(config, trainer.applied()) == []
    assert rows[0]["loss/r1"] != rows[3]["loss/r1"] != rows[6]["loss/r1"]


def test_updates_of_d_are_counted_not_steps(small: Small, few: ImageSet) -> None:
    trainer = Trainer(small(PENALTIES | {"stabilizers.penalty_every": 3, "loss.n_critic": 2}), few)
    due = []
    for _ in range(3):
        trainer.step()
        due.append(trainer.updates.penalties_due)
    assert due == [(True, False), (False, True), (False, False)]
