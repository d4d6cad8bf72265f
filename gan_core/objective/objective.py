"""What each player minimises, as a configuration composes it: adversarial part, penalties, class part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import gradient_penalties, losses, stabilizers
from gan_core.random_streams import Streams

Terms = tuple[Tensor, dict[str, Tensor]]
"""A scalar to descend, and what it is made of, by the names of the history."""


class Objective:
    """`ran`: the stabilisers that took part in a loss so far, with the strengths that they were given."""

    def __init__(self, config: TrialConfig, streams: Streams):
        self.loss, self.stabilizers, self.streams = config.loss, config.stabilizers, streams
        self.adversarial = losses.ADVERSARIAL_LOSSES[config.loss.name]
        self.ran: dict[str, Any] = {}

    @property
    def _scale(self) -> float:
        """1/2 where D's loss is the mean of its halves: its penalties too, whose papers weigh them against the sum."""
        return 1.0 if self.loss.sum_of_halves or self.loss.name == "wasserstein" else 0.5

    def discriminator(
        self,
        real: DiscriminatorOutput,
        fake: DiscriminatorOutput,
        real_labels: Tensor | None,
        fake_labels: Tensor | None,
    ) -> Terms:
        """D's loss on a batch of real and one of generated images, without its penalty."""
        real_half, fake_half = self.adversarial.discriminator(real.logits, fake.logits, self._targets(len(real.logits)))
        loss = self._scale * (real_half + fake_half)
        if self.loss.name == "wasserstein":
            parts = {metric_names.LOSS_WASSERSTEIN: loss}
        else:
            parts = {metric_names.LOSS_DISCRIMINATOR_REAL: real_half, metric_names.LOSS_DISCRIMINATOR_FAKE: fake_half}
        if real.class_logits is not None and fake.class_logits is not None and real_labels is not None:
            class_real = self._class_loss(real.class_logits, real_labels)
            class_fake = self._class_loss(fake.class_logits, fake_labels)
            share = self.loss.auxiliary_real_share or 0.0
            both = share * class_real + (1 - share) * class_fake
            loss = loss + 2 * self._scale * (self.loss.auxiliary_weight or 0.0) * both
            correct = torch.eq(real.class_logits.argmax(dim=1), real_labels)
            parts |= {metric_names.LOSS_CLASS_REAL: class_real, metric_names.LOSS_CLASS_FAKE: class_fake}
            parts[metric_names.ACCURACY_CLASS_REAL] = correct.float().mean()
        return loss, parts

    def penalty(self, critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Terms | None:
        """What holds D's slope, at images as D sees them; None where nothing does."""
        found = list(self._penalties(critic, real, fake))
        if not found:
            return None
        loss = torch.stack([self._scale * strength * value for _, strength, value in found]).sum()
        self.ran |= {name: strength for name, strength, _ in found}
        return loss, {metric_names.loss_of_penalty(name): value for name, _, value in found}

    def _penalties(
        self, critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor
    ) -> Iterator[tuple[str, float, Tensor]]:
        mixing = self.streams["mixing"]
        if strength := self.loss.gradient_penalty:
            each = 1 if self.loss.shared_epsilon else len(real)
            epsilon = torch.rand(each, 1, 1, 1, device=real.device, generator=mixing)
            at = gradient_penalties.interpolates(real, fake, epsilon)
            yield (
                "gradient_penalty",
                strength,
                gradient_penalties.gradient_penalty(critic, at, self.loss.one_sided_penalty),
            )
        if strength := self.stabilizers.dragan:
            yield (
                "dragan",
                strength,
                gradient_penalties.gradient_penalty(critic, gradient_penalties.dragan_points(real, mixing)),
            )
        if strength := self.stabilizers.r1:
            yield "r1", strength, gradient_penalties.r1(critic, real)

    def generator(self, fake: DiscriminatorOutput, labels: Tensor | None) -> Terms:
        """G's loss on a batch of its images; smoothed and flipped targets are D's alone."""
        adversarial = self.adversarial.generator(fake.logits)
        if fake.class_logits is None:
            return adversarial, {}
        class_loss = self._class_loss(fake.class_logits, labels)
        loss = adversarial + (self.loss.auxiliary_weight or 0.0) * class_loss
        return loss, {
            metric_names.LOSS_GENERATOR_ADVERSARIAL: adversarial,
            metric_names.LOSS_GENERATOR_CLASS: class_loss,
        }

    def _targets(self, count: int) -> losses.Targets | None:
        smoothing, flipping = self.stabilizers.label_smoothing, self.stabilizers.label_flipping
        if not smoothing and not flipping:
            return None
        targets = stabilizers.targets(count, smoothing, flipping, self.streams["flips"])
        self.ran |= {"label_smoothing": smoothing, "label_flipping": flipping}
        return targets

    def _class_loss(self, class_logits: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None and self.loss.auxiliary_loss is not None
        return losses.CLASS_LOSSES[self.loss.auxiliary_loss](class_logits, labels)
