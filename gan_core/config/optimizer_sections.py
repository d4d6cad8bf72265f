"""The settings of the optimisers: which, how fast, and how both change while a trial trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gan_core.config.setting_types import (
    Beta,
    Betas,
    LearningRate,
    Player,
    Section,
    Strength,
    Whole,
    false_is_zero,
)

OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd"]
OPTIMIZERS_WITH_BETAS = ("adam", "adamw")


class PlayerOptimizer(Section):
    lr: LearningRate | None = Field(None, description="learning rate of this network (default: optimizer.lr)")
    betas: Betas | None = Field(None, description="betas of this network (default: optimizer.betas)")


class ScheduleConfig(Section):
    lr: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="how the learning rate falls after the warm-up: not, linearly, or by half a cosine"
    )
    warm_up: Whole = Field(0, ge=0, description="first steps, in which the learning rate rises linearly; 0 is off")
    final: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        None, description="share of the learning rate that is left at the end (default 0)"
    )
    until: Whole | None = Field(None, ge=1, description="steps after which the schedule has ended (default: steps)")
    beta1: Beta | None = Field(None, description="Adam's first beta at the end, reached by half a cosine")
    beta2: Beta | None = Field(None, description="Adam's second beta at the end, reached by half a cosine (Huang 2024)")

    @property
    def changes(self) -> bool:
        """Whether anything differs from step to step."""
        return self.lr != "constant" or bool(self.warm_up) or self.moves_betas

    @property
    def moves_betas(self) -> bool:
        return self.beta1 is not None or self.beta2 is not None

    @property
    def depends_on_steps(self) -> bool:
        """Whether a trial of more steps would have trained differently from the beginning."""
        return self.until is None and (self.lr != "constant" or self.moves_betas)


class OptimizerConfig(Section):
    name: OptimizerName = Field(
        "adam", description="adam, adamw (Loshchilov 2019), rmsprop (Tieleman 2012, decay 0.99) or sgd"
    )
    lr: LearningRate = Field(2e-4, description="learning rate (default: that of the family's paper)")
    betas: Betas | None = Field(
        (0.5, 0.999), description="betas of adam and adamw (default: those of the family's paper)"
    )
    weight_decay: Strength = Field(
        0.0, description="adamw: decoupled from the gradient; else an L2 penalty (half of it times the squared norm)"
    )
    momentum: Annotated[float, Field(strict=True, ge=0, lt=1), BeforeValidator(false_is_zero)] = Field(
        0.0, description="momentum of rmsprop and sgd"
    )
    schedule: ScheduleConfig = ScheduleConfig()
    generator: PlayerOptimizer = PlayerOptimizer()
    discriminator: PlayerOptimizer = PlayerOptimizer()

    @property
    def has_betas(self) -> bool:
        return self.name in OPTIMIZERS_WITH_BETAS

    def adam(self, player: Player) -> tuple[float, Betas | None]:
        """The learning rate and betas that `player` trains with; no betas for an optimiser without."""
        own = self.generator if player == "generator" else self.discriminator
        return (self.lr if own.lr is None else own.lr, self.betas if own.betas is None else own.betas)
