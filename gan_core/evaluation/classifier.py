"""A small convolutional classifier, trained on the labels of a data set. Its embedding is the features of an evaluator.

Inception's features were trained on photographs and say little about digits or grey hands. A network that was trained
on the classes of the data distinguishes what matters there (as for MNIST in Binkowski et al. 2018 and for stacked MNIST
in Metz et al. 2017). Its training depends on the data alone: fixed seed, fixed schedule, one thread.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core.data.pixels import to_unit
from gan_core.evaluation.dimensions import EMBEDDING_DIMENSIONS
from gan_core.optimizers import AdamW
from gan_core.precision import resolve_precision
from gan_core.threads import one_thread

BATCH = 64
EPOCHS, MAX_IMAGES = 20, 180_000
"""Training ends after EPOCHS epochs or MAX_IMAGES images, whichever comes first."""
PEAK_RATE, WEIGHT_DECAY, SHIFT = 3e-3, 1e-2, 2


class Classifier(nn.Module):
    """images [batch, channels, 32, 32] in [-1, 1] -> embedding [batch, 64]; `logits` [batch, classes] of embeddings."""

    def __init__(self, channels: int, classes: int, width: int = 32):
        super().__init__()
        self.channels, self.classes = channels, classes
        self.body = nn.Sequential(
            *(nn.Conv2d(channels, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU()),
            *(nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Dropout2d(0.1), nn.Flatten(), nn.Linear(4 * width * 16, EMBEDDING_DIMENSIONS)),
        )
        self.head = nn.Sequential(
            nn.BatchNorm1d(EMBEDDING_DIMENSIONS), nn.ReLU(), nn.Linear(EMBEDDING_DIMENSIONS, classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)

    def logits(self, embedding: Tensor) -> Tensor:
        return self.head(embedding)


def train_classifier(images: Tensor, labels: Tensor, classes: int) -> Classifier:
    """Trains on `images` uint8 [N, C, 32, 32] and `labels` [N]: AdamW, one cycle (Smith 2018), random shifts.

    The same data gives the same weights on the same kind of processor.
    """
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _train(images, labels, classes)


def _train(images: Tensor, labels: Tensor, classes: int) -> Classifier:
    network = Classifier(images.shape[1], classes).to(memory_format=torch.channels_last)
    batch = min(BATCH, len(images))
    steps = -(-min(EPOCHS * len(images), MAX_IMAGES) // batch)
    optimizer = AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps + 1)
    for chosen in _batches(len(images), batch, steps):
        batch_images = _shifted(to_unit(images[chosen])).contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            "cpu", torch.bfloat16, enabled=resolve_precision("auto", torch.device("cpu")) == "bfloat16"
        ):
            loss = F.cross_entropy(network.logits(network(batch_images)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _batches(count: int, batch: int, steps: int) -> Iterator[Tensor]:
    """Indices [batch] of `steps` batches, each epoch in a new random order."""
    per_epoch = count // batch
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(count)
        start = step % per_epoch * batch
        yield order[start : start + batch]


def _shifted(images: Tensor) -> Tensor:
    """Moves the whole batch by up to SHIFT pixels in each direction; fills with black."""
    side = images.shape[-1]
    top, left = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
    return F.pad(images, (SHIFT,) * 4, value=-1.0)[..., top : top + side, left : left + side]
