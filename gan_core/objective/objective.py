"""The loss of each player, composed as the configuration says: adversarial part, penalties, class part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.networks.outputs import DiscriminatorOutput
from gan_core.objective import consistency, feature_matching, gradient_penalties, losses, stabilizers, top_k
from gan_core.objective.gradient_penalties import Critic
from gan_core.objective.lazy_penalties import LazyPenalties
from gan_core.random_streams import Streams


class Critics(NamedTuple):
    """D as functions from images to logits [batch], which differ only for a D that is told the classes of its images.

    real: with the classes of the real images, from which all points but R2's are made. fake: of the generated images.
    """

    real: Critic
    fake: Critic


Terms = tuple[Tensor, dict[str, Tensor]]
"""A loss (a scalar to minimise), and its parts by metric name."""


class Objective:
    """The losses of `config`.

    applied_stabilizers: those that have been part of a loss so far, with their strengths.
    """

    def __init__(self, config: TrialConfig, streams: Streams):
        self.loss, self.stabilizers, self.streams = config.loss, config.stabilizers, streams
        self.adversarial = losses.ADVERSARIAL_LOSSES[config.loss.name]
        self.applied_stabilizers: dict[str, float] = {}
        self.lazy = LazyPenalties(config.stabilizers, streams.device) if config.stabilizers.penalty_every else None
        self.kept = torch.zeros((), device=streams.device)
        """k of top-k training in this step, which the caller writes."""

    @property
    def _scale(self) -> float:
        """1/2 if D's loss is the mean of its two halves, else 1. It also scales the penalties, because their papers
        weigh them against the sum of the halves."""
        return 1.0 if self.loss.sum_of_halves or self.adversarial.is_sum else 0.5

    @property
    def _class_scale(self) -> float:
        """The weight of the class loss against D's adversarial loss, 1 if that is a mean of halves. That of `rpgan` is
        like one: it has one term for each pair of images."""
        return 1.0 if self.loss.name == "rpgan" else 2 * self._scale

    @property
    def generator_needs_real(self) -> bool:
        """Whether G's loss needs what D says of real images."""
        return self.adversarial.relative is not None or bool(self.stabilizers.feature_matching)

    def discriminator(
        self,
        real: DiscriminatorOutput,
        fake: DiscriminatorOutput,
        real_labels: Tensor | None,
        fake_labels: Tensor | None,
    ) -> Terms:
        """D's loss on a batch of real images and one of generated images, without a gradient penalty."""
        real_half, fake_half = self.adversarial.discriminator(real.logits, fake.logits, self._targets(len(real.logits)))
        loss = self._scale * (real_half + fake_half)
        if self.loss.name == "wasserstein":
            parts = {metric_names.LOSS_WASSERSTEIN: loss}
        elif self.loss.name == "rpgan":
            parts = {metric_names.LOSS_PAIRING: loss}
        else:
            parts = {metric_names.LOSS_DISCRIMINATOR_REAL: real_half, metric_names.LOSS_DISCRIMINATOR_FAKE: fake_half}
        if real.class_logits is not None and fake.class_logits is not None and real_labels is not None:
            class_loss_real = self._class_loss(real.class_logits, real_labels)
            class_loss_fake = self._class_loss(fake.class_logits, fake_labels)
            real_share = self.loss.auxiliary_real_share or 0.0
            class_loss = real_share * class_loss_real + (1 - real_share) * class_loss_fake
            loss = loss + self._class_scale * (self.loss.auxiliary_weight or 0.0) * class_loss
            is_correct = torch.eq(real.class_logits.argmax(dim=1), real_labels)
            parts |= {metric_names.LOSS_CLASS_REAL: class_loss_real, metric_names.LOSS_CLASS_FAKE: class_loss_fake}
            parts[metric_names.ACCURACY_CLASS_REAL] = is_correct.float().mean()
        return loss, parts

    def penalty(self, critics: Critics, real: Tensor, fake: Tensor, is_due: bool = True) -> Terms | None:
        """The weighted sum of the active gradient penalties, or None without one.

        real, fake [batch, C, H, W]: the inputs of D. is_due: whether penalties that are paid in every n-th update are
        paid in this one; if not, their values are those of the last time.
        """
        if self.lazy is not None and not is_due:
            return torch.zeros((), device=real.device), self.lazy.last_values()
        penalties = list(self._penalties(critics, real, fake))
        if not penalties:
            return None
        times = 1 if self.lazy is None else self.lazy.every
        loss = torch.stack([self._scale * times * strength * value for _, strength, value in penalties]).sum()
        self.applied_stabilizers |= {name: strength for name, strength, _ in penalties}
        values = {name: value for name, _, value in penalties}
        if self.lazy is not None:
            self.applied_stabilizers["penalty_every"] = times
            self.lazy.keep(values)
        return loss, {metric_names.loss_of_penalty(name): value for name, value in values.items()}

    def _penalties(self, critics: Critics, real: Tensor, fake: Tensor) -> Iterator[tuple[str, float, Tensor]]:
        """(name, strength, value) of each active penalty."""
        mixing = self.streams["mixing"]
        if strength := self.loss.gradient_penalty:
            count = 1 if self.loss.shared_epsilon else len(real)
            epsilon = torch.rand(count, 1, 1, 1, device=real.device, generator=mixing)
            points = gradient_penalties.interpolates(real, fake, epsilon)
            penalty = gradient_penalties.gradient_penalty(critics.real, points, self.loss.one_sided_penalty)
            yield "gradient_penalty", strength, penalty
        if strength := self.stabilizers.dragan:
            points = gradient_penalties.dragan_points(real, mixing)
            yield "dragan", strength, gradient_penalties.gradient_penalty(critics.real, points)
        if strength := self.stabilizers.r1:
            yield "r1", strength, gradient_penalties.r1(critics.real, real)
        if strength := self.stabilizers.r2:
            yield "r2", strength, gradient_penalties.r2(critics.fake, fake)

    def consistency(self, critics: Critics, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> Terms | None:
        """The weighted inconsistency of D on images that are moved and mirrored, or None without `cr` and `bcr`.

        real, fake: the inputs of D and their logits.
        """
        name, sides = "cr", [(critics.real, *real)]
        if self.stabilizers.bcr:
            name, sides = "bcr", [*sides, (critics.fake, *fake)]
        if not (strength := self.stabilizers.bcr or self.stabilizers.cr):
            return None
        stream = self.streams["consistency"]
        values = [
            consistency.penalty(logits, critic(consistency.transformed(images, stream)))
            for critic, images, logits in sides
        ]
        value = torch.stack(values).sum()
        self.applied_stabilizers[name] = strength
        return self._scale * strength * value, {metric_names.loss_of_penalty(name): value}

    def generator(
        self, fake: DiscriminatorOutput, labels: Tensor | None, real: DiscriminatorOutput | None = None
    ) -> Terms:
        """G's loss on a batch of its images. Label smoothing and flipping change the targets of D only.

        real: what D says of a batch of real images; needed if `generator_needs_real`.
        """
        adversarial, parts = self._of_generator(fake, real)
        terms = list[tuple[str, float, Tensor]]()
        if fake.class_logits is not None:
            class_loss = self._class_loss(fake.class_logits, labels)
            terms.append((metric_names.LOSS_GENERATOR_CLASS, self.loss.auxiliary_weight or 0.0, class_loss))
        if weight := self.stabilizers.feature_matching:
            assert real is not None
            if fake.features is None or real.features is None:
                raise ValueError("this family's discriminator gives no features to match: stabilizers.feature_matching")
            distance = feature_matching.distance(fake.features, real.features)
            terms.append((metric_names.LOSS_FEATURE_MATCHING, weight, distance))
            self.applied_stabilizers["feature_matching"] = weight
        if not terms:
            return adversarial, parts
        loss = adversarial
        for _, weight, value in terms:
            loss = loss + weight * value
        parts = {metric_names.LOSS_GENERATOR_ADVERSARIAL: adversarial} | parts
        return loss, parts | {name: value for name, _, value in terms}

    def _of_generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Terms:
        """G's adversarial loss."""
        if self.adversarial.relative is not None:
            assert real is not None
            return self.adversarial.generator(fake.logits, real.logits), {}
        if share := self.stabilizers.top_k:
            self.applied_stabilizers["top_k"] = share
            loss = top_k.loss_of_best(self.adversarial.generator, fake.logits, self.kept)
            return loss, {metric_names.TOP_K_SHARE: self.kept / len(fake.logits)}
        return self.adversarial.generator(fake.logits), {}

    def _targets(self, count: int) -> losses.Targets | None:
        smoothing, flipping = self.stabilizers.label_smoothing, self.stabilizers.label_flipping
        if not smoothing and not flipping:
            return None
        targets = stabilizers.targets(count, smoothing, flipping, self.streams["flips"])
        self.applied_stabilizers |= {"label_smoothing": smoothing, "label_flipping": flipping}
        return targets

    def _class_loss(self, class_logits: Tensor, labels: Tensor | None) -> Tensor:
        assert labels is not None and self.loss.auxiliary_loss is not None
        return losses.CLASS_LOSSES[self.loss.auxiliary_loss](class_logits, labels)
