"""What a discriminator returns for a batch."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class DiscriminatorOutput(NamedTuple):
    """logits [batch]: above 0 for real, or a critic's scores. class_logits [batch, classes]: an ACGAN's, else None.

    features [batch, n]: what D's last layer was given. Installed families may leave them out.
    """

    logits: Tensor
    class_logits: Tensor | None = None
    features: Tensor | None = None


Judgement = DiscriminatorOutput
"""The former name. Installed packages that add a family may still import it."""
