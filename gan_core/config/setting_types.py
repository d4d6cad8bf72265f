"""The kinds of values that settings have, and what all sections of a configuration share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Player = Literal["generator", "discriminator"]


def false_is_zero(value: Any) -> Any:
    """`false` switches a stabiliser off. `true` gives no strength, so it is left to be refused as a number."""
    return 0.0 if value is False else value


def one_is_off(value: Any) -> Any:
    """`packing: 1` is off, like 0 and `false`: a pack of one image is no pack."""
    return 0 if value is False or (value == 1 and value is not True) else value


def exact_as_float(value: int) -> int:
    """Refuses integers that a float cannot hold. Not by `lt`, which pydantic would merge with a setting's own `lt`."""
    if value >= 2**53:
        raise ValueError("less than 2**53")
    return value


Whole = Annotated[int, Field(strict=True), AfterValidator(exact_as_float)]
Text = Annotated[str, Field(strict=True)]
Index = Annotated[int, Field(strict=True, ge=0)]
LearningRate = Annotated[float, Field(strict=True, gt=0)]
Beta = Annotated[float, Field(strict=True, ge=0, lt=1)]
Betas = tuple[Beta, Beta]
Strength = Annotated[float, Field(strict=True, ge=0), BeforeValidator(false_is_zero)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
