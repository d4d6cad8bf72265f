"""What the report takes from an MLflow run itself (tags, parameters, metrics), checked: others can write to MLflow."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from gan_core.verdict.names import VerdictName
from orchestrator.errors import UserError, short_repr
from orchestrator.report.artifact_schemas import Count, finite
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking import artifact_location
from orchestrator.tracking.client import KEY_TAG
from orchestrator.tracking.run_content import ENDED_EARLY_TAG, IS_ENDED_EARLY, LOST_TAG, STOPPED_TAG

MAX_TIME_MS = 253_000_000_000_000
"""In the year 9987: Python's dates end soon after it."""
NOT_WRITTEN = ("", "None")


def _whole_number(text: object) -> object:
    """The number that a tag holds as text; None if the mirror had none to write."""
    if text in NOT_WRITTEN:
        return None
    if not re.fullmatch("[0-9]{1,15}", str(text)):
        raise ValueError("not a whole number")
    return int(str(text))


Number = Annotated[Count | None, BeforeValidator(_whole_number)]


class RunTags(BaseModel):
    """The tags of `run_content.child_tags` and `run_content.end_tags`. A run that has not ended lacks most."""

    key: str = Field("", alias=KEY_TAG)
    status: TrialStatus = TrialStatus.RUNNING
    verdict: Annotated[VerdictName | None, BeforeValidator(lambda text: text or None)] = None
    reason: str = Field("", alias="verdict.reason")
    error: str = ""
    since: Number = Field(None, alias="verdict.since")
    rules: Number = Field(None, alias="verdict.rules")
    lost_at: Number = Field(None, alias=LOST_TAG)
    ended_early: Annotated[bool, BeforeValidator(lambda text: text == IS_ENDED_EARLY)] = Field(
        False, alias=ENDED_EARLY_TAG
    )
    stopped_at: Number = Field(None, alias=STOPPED_TAG)
    device: str = ""
    precision: str = ""
    evaluator: str = ""


class LoggedRun(BaseModel):
    """A run of MLflow. `began_ms`: since 1970; 0 if MLflow does not tell. `metrics`: the last value of each."""

    run_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    experiment_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    artifact_uri: str
    began_ms: Annotated[int, Field(ge=0, le=MAX_TIME_MS)]
    tags: RunTags
    metrics: Annotated[dict[str, float], AfterValidator(finite)]
    params: dict[str, str]

    @property
    def rules(self) -> int:
        """The version of the rules of the verdict. Those before the second did not tell."""
        return self.tags.rules or 1

    @property
    def hardware(self) -> str:
        """The kind of device and the precision, such as `cuda in bfloat16`; empty before training."""
        return f"{self.tags.device.partition(':')[0]} in {self.tags.precision}" if self.tags.device else ""


def logged_run(run: Any, tracking_uri: str) -> LoggedRun:
    """Raises UserError if the run is not as the mirror wrote it, or has its artifacts at a foreign server."""
    content = {
        "run_id": run.info.run_id,
        "experiment_id": run.info.experiment_id,
        "artifact_uri": run.info.artifact_uri,
        "began_ms": run.info.start_time or 0,
        "tags": run.data.tags,
        "metrics": run.data.metrics,
        "params": run.data.params,
    }
    try:
        logged = LoggedRun.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(
            f"MLflow's run {short_repr(run.info.run_id)}: {place} is {short_repr(first['input'])} ({first['msg']}); "
            "delete the run there, then orchestrate sync makes it again"
        ) from None
    artifact_location.check(f"run {logged.run_id}", logged.artifact_uri, tracking_uri)
    return logged
