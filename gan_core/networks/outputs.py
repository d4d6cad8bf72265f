"""What a discriminator returns for a batch."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class DiscriminatorOutput(NamedTuple):
    """logits [batch]: above 0 for real, or a critic's scores. class_logits [batch, classes]: an ACGAN's, else None.

    features [batch, n]: the input of the last layer, flattened; None if a family does not give it.
    """

    logits: Tensor
    class_logits: Tensor | None = None
    features: Tensor | None = None


Judgement = DiscriminatorOutput
"""The former name. Installed packages that add a family may still import it."""
