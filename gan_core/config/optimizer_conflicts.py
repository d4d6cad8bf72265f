"""Settings of the optimiser that contradict each other, or that it does not have."""

from __future__ import annotations

from gan_core.config.sections import TrialSections


def of_optimizer(config: TrialSections) -> list[tuple[str, str]]:
    """(path, what is wrong with it) of each."""
    return [*_of_betas_and_momentum(config), *_of_schedule(config)]


def _of_betas_and_momentum(config: TrialSections) -> list[tuple[str, str]]:
    optimizer, problems = config.optimizer, list[tuple[str, str]]()
    if optimizer.has_betas:
        if optimizer.momentum:
            message = f"{optimizer.name} has betas instead; set optimizer.betas[0], or use rmsprop or sgd"
            problems.append(("optimizer.momentum", message))
        return problems
    betas = {
        "optimizer.betas": optimizer.betas,
        "optimizer.generator.betas": optimizer.generator.betas,
        "optimizer.discriminator.betas": optimizer.discriminator.betas,
        "optimizer.schedule.beta1": optimizer.schedule.beta1,
        "optimizer.schedule.beta2": optimizer.schedule.beta2,
    }
    for path, value in betas.items():
        if value is not None:
            problems.append((path, f"{optimizer.name} has no betas; leave this out, or use adam or adamw"))
    return problems


def _of_schedule(config: TrialSections) -> list[tuple[str, str]]:
    schedule, problems = config.optimizer.schedule, list[tuple[str, str]]()
    if schedule.final is not None and schedule.lr == "constant":
        problems.append(
            (
                "optimizer.schedule.final",
                "is where a falling learning rate ends; set optimizer.schedule.lr to cosine",
            )
        )
    if schedule.until is not None and schedule.lr == "constant" and not schedule.moves_betas:
        message = "is when a schedule ends, and only a warm-up is set; set optimizer.schedule.lr to cosine"
        problems.append(("optimizer.schedule.until", message))
        return problems
    end = config.steps if schedule.until is None else schedule.until
    if schedule.warm_up >= end and schedule.warm_up:
        name = "steps" if schedule.until is None else "optimizer.schedule.until"
        problems.append(("optimizer.schedule.warm_up", f"{schedule.warm_up} is not less than {name}, {end}"))
    return problems
