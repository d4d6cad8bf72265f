"""What a discriminator says of a batch."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class DiscriminatorOutput(NamedTuple):
    """`logits` [batch]: real above zero, or a critic's score. `class_logits` [batch, classes]: an ACGAN's guess."""

    logits: Tensor
    class_logits: Tensor | None = None
