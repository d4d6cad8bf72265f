"""Features -> moments -> Fréchet distance: how far apart are two sets, if each is a Gaussian?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """`mean` [d] and unbiased `covariance` [d, d], both float64 on the CPU."""

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """The moments of features [n, d]. ValueError if n < 2.

    The covariance is divided by n - 1, as in the reference implementation of the FID. Its rank is at most n - 1.
    """
    if len(features) < 2:
        raise ValueError(f"a covariance needs at least 2 feature vectors, there are {len(features)}")
    features = features.detach().to("cpu", torch.float64)
    mean = features.mean(dim=0)
    centred = features - mean
    return Moments(mean, centred.T @ centred / (len(features) - 1))


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m_a - m_b|² + Tr(S_a + S_b - 2 (S_a S_b)^½), in squared units of the features (Dowson & Landau 1982).

    On features of an Inception network this is the FID (Heusel et al. 2017). Its bias is larger for smaller sets, so
    compare only distances between sets of the same sizes.
    """
    # S_a S_b has the eigenvalues of S_a^½ S_b S_a^½, whose roots are the singular values of S_a^½ S_b^½. The singular
    # values are more exact: the root of an eigenvalue that should be 0 would turn a rounding error of 1e-16 into 1e-8.
    root_trace = torch.linalg.svdvals(_root(a.covariance) @ _root(b.covariance)).sum()
    shift = (a.mean - b.mean).square().sum()
    distance = shift + a.covariance.trace() + b.covariance.trace() - 2 * root_trace
    return max(0.0, distance.item())


class Reference(NamedTuple):
    """A set that many others are compared with: its `mean` [d] and the `root` [d, d] of its covariance, float64."""

    mean: Tensor
    root: Tensor

    @classmethod
    def of(cls, known: Moments) -> Reference:
        return cls(known.mean, _root(known.covariance))


def distance_to(reference: Reference, other: Moments) -> float:
    """The Frechet distance, up to rounding errors of 1e-8 of the traces, several times as fast as `frechet_distance`.

    Only the eigenvalues of one symmetric matrix are computed; with Inception's 2048 features that takes seconds.
    """
    product = reference.root @ other.covariance @ reference.root
    root_trace = torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()
    shift = (reference.mean - other.mean).square().sum()
    distance = shift + reference.root.square().sum() + other.covariance.trace() - 2 * root_trace
    return max(0.0, distance.item())


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a positive semidefinite [d, d]."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
