"""What `accumulate` cannot do, or does not leave as it is: a batch that is computed in parts is never there as one."""

from __future__ import annotations

from gan_core import families
from gan_core.config.sections import TrialSections


def of_accumulation(config: TrialSections) -> list[tuple[str, str]]:
    """(path, what is wrong with it) of each."""
    parts, size, pack = config.accumulate, config.batch_size, config.stabilizers.packing
    if not parts:
        return []
    if size % parts:
        return [("accumulate", f"{parts} parts do not divide a batch of {size}")]
    if size // parts < 2:
        return [("accumulate", f"{parts} parts of a batch of {size} have one image each; at least 2 are needed")]
    if pack and (size // parts) % pack:
        return [("accumulate", f"packs of {pack} images do not divide a part of {size // parts} images")]
    return []


def cautions_about_accumulation(config: TrialSections) -> list[str]:
    """Settings whose statistics are those of a part, while the large batch would have them of all its images."""
    if not config.accumulate:
        return []
    stabilizers = config.stabilizers
    warnings = []
    if config.model.discriminator_norm == "batch":
        warnings.append(
            "accumulate with batch norm in the discriminator, which normalises each part by itself: this is not the "
            "training of the large batch; set model.discriminator_norm to layer or none"
        )
    for name, is_on in {
        "batch norm in the generator": config.model.family in families.BUILT_IN and config.model.family != "r3gan",
        "minibatch standard deviation": stabilizers.minibatch_std,
        "DRAGAN, whose noise has the spread of a batch,": bool(stabilizers.dragan),
        "a relativistic average": config.loss.name == "ragan",
        "feature matching": bool(stabilizers.feature_matching),
        "top-k training": bool(stabilizers.top_k),
    }.items():
        if is_on:
            warnings.append(f"{name} with accumulate sees one part of the batch at a time, not the large batch")
    return warnings
