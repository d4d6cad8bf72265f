"""The settings of the stabilisers, each with the paper it comes from."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from gan_core.config.setting_types import Section, Strength, Whole, one_is_off


class InstanceNoise(Section):
    std: Strength = Field(0.0, description="standard deviation of the noise on images in [-1, 1]; 0 is off")
    fake_only: bool = Field(False, strict=True, description="noise on generated images only, as in the original report")
    anneal: bool = Field(
        False, strict=True, description="let the noise fall linearly to 0 at the last step (Sonderby 2017)"
    )


class AdaptiveAugmentation(Section):
    target: Annotated[Strength, Field(lt=1)] = Field(
        0.0, description="the mean sign of D's logits of real images above which augmentation increases; 0 is off"
    )
    speed: Annotated[float, Field(strict=True, gt=0)] = Field(
        500.0, description="thousands of real images in which the probability goes from 0 to 1"
    )


SHORTHANDS = {
    "stabilizers.instance_noise": "stabilizers.instance_noise.std",
    "stabilizers.ada": "stabilizers.ada.target",
}


def expand_shorthand(path: str) -> str:
    """`stabilizers.instance_noise: 0.1` is short for `stabilizers.instance_noise.std: 0.1`."""
    return SHORTHANDS.get(path, path)


class StabilizerConfig(Section):
    label_smoothing: Strength = Field(
        0.0, lt=0.5, description="one-sided: D's target for real images is 1 minus this value (Salimans 2016)"
    )
    instance_noise: Annotated[
        InstanceNoise, BeforeValidator(lambda v: v if isinstance(v, dict | InstanceNoise) else {"std": v})
    ] = Field(InstanceNoise(), description="Gaussian noise on D's inputs (Sonderby 2017); a number sets its std")
    label_flipping: Strength = Field(
        0.0, lt=0.5, description="probability that D's target for an image is flipped (Chintala 2016)"
    )
    r1: Strength = Field(0.0, description="weight gamma of the gradient penalty on real images (Mescheder 2018)")
    r2: Strength = Field(0.0, description="weight gamma of the gradient penalty on generated images (Mescheder 2018)")
    dragan: Strength = Field(0.0, description="weight lambda of the gradient penalty around real images (Kodali 2017)")
    penalty_every: Annotated[Whole, BeforeValidator(one_is_off)] = Field(
        0, ge=0, description="D pays r1 and r2 in every n-th update, n times as much (Karras 2020); 0 or 1 is off"
    )
    cr: Strength = Field(
        0.0, description="weight of D's inconsistency on real images moved and mirrored (Zhang 2020); the paper's is 10"
    )
    bcr: Strength = Field(0.0, description="the same on real and on generated images (Zhao 2021); the paper's is 10")
    top_k: Strength = Field(
        0.0, lt=1, description="share of the batch, D's favourites, to which G's loss narrows over epochs (Sinha 2020)"
    )
    feature_matching: Strength = Field(
        0.0, description="weight in G's loss of the distance between mean features of D (Salimans 2016)"
    )
    ada: Annotated[
        AdaptiveAugmentation,
        BeforeValidator(lambda v: v if isinstance(v, dict | AdaptiveAugmentation) else {"target": v}),
    ] = Field(
        AdaptiveAugmentation(),
        description="augmentation of all inputs of D, more if D overfits (Karras 2020); a number sets its target",
    )
    spectral_norm: bool = Field(False, strict=True, description="spectral norm in all of D's layers (Miyato 2018)")
    ema: Strength = Field(
        0.0,
        lt=1,
        description="decay, after a ramp-up, of the average of G's weights, which is evaluated and saved (Yazici 2019)",
    )
    diff_augment: bool = Field(
        False, strict=True, description="random colour, translation and cutout on all inputs of D (Zhao 2020)"
    )
    minibatch_std: bool = Field(
        False, strict=True, description="D also gets the standard deviation over its batch (Karras 2018)"
    )
    packing: Annotated[Whole, BeforeValidator(one_is_off)] = Field(
        0, ge=0, description="number of images that D gets as one input (Lin 2018); 0 or 1 is off"
    )
