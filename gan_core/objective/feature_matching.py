"""Feature matching: generated images shall have the mean features of real ones (Salimans et al. 2016, section 3.1).

The features are what D's last layer is given. It differs from the paper in that the term is added to G's adversarial
loss, in place of which the paper has it: so its weight says how much it counts, and 0 is a GAN without it.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def distance(fake_features: Tensor, real_features: Tensor) -> Tensor:
    """The squared difference of the mean features, from [batch, n] each: its mean over n, as in the authors' code.

    (github.com/openai/improved-gan; the paper has the sum, which would count more the wider D is.)
    """
    return F.mse_loss(fake_features.mean(dim=0), real_features.mean(dim=0))
