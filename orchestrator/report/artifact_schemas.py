"""The artifacts that the report reads from MLflow, checked first, because others can write to MLflow, too.

`orchestrator.report.logged_run` checks the runs.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Literal, TypeVar

from PIL import Image
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.space import Ordered, Space, dimension_of_document
from orchestrator.tracking.run_content import LoggedEnvironment

MAX_PICTURE_PIXELS = 50_000_000
MAX_COUNT = 10**15
"""The largest count that is accepted. A float holds it exactly, and so do JavaScript and NumPy's int64."""
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]


class _Artifact(BaseModel):
    """May have more keys than these."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


Artifact = TypeVar("Artifact", bound=_Artifact)


class LoggedTrial(_Artifact):
    """A trial of sweep.json; see `TrialDocument`."""

    key: str
    name: str
    group: str
    configuration: str
    seed: Count
    factors: dict[str, Any]
    steps: Count
    confirms: bool = False


class LoggedComparison(_Artifact):
    """A comparison of the answer; see `ComparisonDocument`."""

    group: str
    factor: str
    before: str
    after: str
    outcome: Literal["stable", "quality"]
    state: Literal["shown", "small", "open"]
    margin: Annotated[float, Field(gt=0, le=1)]
    looks: list[tuple[float, float, float, float]]
    takes: Count | None = None


class LoggedAnswer(_Artifact):
    """The answer of a sweep that trains until it has one; see `AnswerDocument`."""

    first: Count
    most: Count
    seeds: Count
    trials: Count
    looked_at: Count | None = None
    at_most: Count
    end: Literal["", "answered", "out of reach", "most seeds", "budget"]
    comparisons: list[LoggedComparison]
    best: Annotated[list[str], Field(min_length=1)] | None
    other_looks: list[str] = []


class LoggedDesign(_Artifact):
    """A design that an earlier command has looked with; see `LookedDesign`."""

    seeds: Count


class LoggedImport(_Artifact):
    """Where imported runs come from; see `ImportDocument`."""

    source: str
    mapped: list[str]


class LoggedSample(_Artifact):
    """What the points of a group were drawn from; see `SampleDocument`."""

    dimensions: dict[str, dict[str, Any]]

    @property
    def space(self) -> Space:
        return Space(tuple(dimension_of_document(path, written) for path, written in self.dimensions.items()))

    @model_validator(mode="after")
    def _check_dimensions(self) -> LoggedSample:
        assert self.space  # raises ValueError
        return self


class LoggedExplored(_Artifact):
    """How a sweep chooses its trials one after another; see `ExploredDocument`."""

    kind: Literal["map", "search"]
    trials: Count
    space: dict[str, dict[str, Any]]
    over: list[str] = []
    stable: float = 0.9
    schedule: str = ""

    @property
    def dimensions(self) -> Space:
        """Of a map in the order in which it names them."""
        paths = [*dict.fromkeys([*self.over, *self.space])]
        return Space(tuple(dimension_of_document(path, self.space[path]) for path in paths))

    @model_validator(mode="after")
    def _check_dimensions(self) -> LoggedExplored:
        if self.over and set(self.over) != set(self.space):
            raise ValueError("over does not name the settings of the space")
        dimensions = self.dimensions.dimensions  # raises ValueError
        is_ordered = all(isinstance(each, Ordered) for each in dimensions)
        if self.kind == "map" and not (is_ordered and 2 <= len(dimensions) <= 4):
            raise ValueError("a map is over 2 to 4 settings with an order")
        return self


class LoggedSweep(_Artifact):
    """sweep.json; see `SweepDocument`."""

    name: str
    question: str
    file: str
    overrides: list[str]
    cautions: list[str]
    trials: list[LoggedTrial]
    answer: LoggedAnswer | None = None
    stop_early: bool = False
    reported_seeds: list[Count] = []
    looked: list[LoggedDesign] = []
    imported: LoggedImport | None = None
    samples: dict[str, LoggedSample] = {}
    explored: LoggedExplored | None = None


class HeldOutScores(_Artifact):
    """The scores of `count` real images that the evaluator did not see. Earlier versions logged fewer."""

    count: Count
    frechet: float
    precision: float
    recall: float
    frechet_infinity: float | None = None
    coverage: float | None = None
    modes: float | None = None
    class_agreement: float | None = None
    class_recall: float | None = None
    authenticity: float | None = None
    copied: float | None = None


class LoggedEvaluator(_Artifact):
    """evaluator.json: what a run was measured with.

    `real`: the number of real images that samples are compared with, all from the part `split` of the data set.
    `samples`: the number of generated images; `compared`: how many of them count for precision and recall.
    `accuracy`: the classifier's on test images, if it was tested. `kept_out`: None if too few images were held out.
    `training`: the number of training images among which copies were looked for; None if they were not.
    `tested`: class of the classifier -> its number of test images; {} if that is not known. Of imported runs `weights`
    says in words what measured them, and nothing else is known.
    """

    id: str
    features: Literal["classifier", "random", "inception", "dinov2", "imported"]
    weights: str
    preprocessing: str
    split: str
    real: Count
    samples: Count
    compared: Count
    accuracy: float | None
    kept_out: Annotated[HeldOutScores | None, BeforeValidator(lambda value: None if value == {} else value)]
    training: Count | None = None
    tested: dict[str, Count] = {}


class _Environment(_Artifact):
    packages: dict[str, str] | None = None
    processor: str = ""
    gpu: str = ""


_ROW: TypeAdapter[dict[str, float]] = TypeAdapter(dict[str, float])
_ROWS: TypeAdapter[list[dict[str, float]]] = TypeAdapter(list[dict[str, float]])


class Damaged(ValueError):
    """An artifact is not what the mirror wrote."""


def sweep(content: bytes) -> LoggedSweep:
    """Raises Damaged."""
    return _checked(LoggedSweep, content)


def card(content: bytes) -> LoggedEvaluator:
    """Raises Damaged."""
    return _checked(LoggedEvaluator, content)


def environment(content: bytes) -> LoggedEnvironment:
    """environment.json as it is: the page lists whatever a worker has written there. Raises Damaged."""
    _checked(_Environment, content)
    values: LoggedEnvironment = json.loads(content)
    return values


def _checked(model: type[Artifact], content: bytes) -> Artifact:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Damaged(f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}") from None


def history(content: bytes) -> list[dict[str, float]]:
    """The rows of history.jsonl, without values that are NaN or infinite. Raises Damaged."""
    rows = _rows(content.splitlines())
    for number, row in enumerate(rows, start=1):
        if not 0 <= row.get("step", -1) <= MAX_COUNT:
            raise Damaged(f"line {number} has no step")
    return list(map(finite, rows))


def _rows(lines: list[bytes]) -> list[dict[str, float]]:
    """All lines at once, which takes a third of the time; one after another if one is damaged. Raises Damaged."""
    with suppress(ValidationError):
        rows = _ROWS.validate_json(b"[" + b",".join(lines) + b"]")
        if len(rows) == len(lines):
            return rows
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_ROW.validate_json(line))
        except ValidationError:
            raise Damaged(f"line {number} is not a row of numbers") from None
    return rows


def finite(metrics: dict[str, float]) -> dict[str, float]:
    """Without NaN and infinity, which this program never logs, but another writer may."""
    if all(map(math.isfinite, metrics.values())):
        return metrics
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def picture(content: bytes) -> bytes:
    """The content, if it is a whole PNG. Raises Damaged."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise Damaged("too large a picture")
            image.load()
    except Damaged:
        raise
    except Exception as error:  # Pillow raises many classes of errors for damaged files
        raise Damaged(first_line(error)) from None
    return content


@contextmanager
def named_in_errors(run_id: str, artifact: str) -> Iterator[None]:
    """An error in this context becomes a UserError that names the run and the artifact."""
    try:
        yield
    except Damaged as error:
        cause = f"is damaged ({error})"
    except KeyError as error:
        cause = f"has no {error}"
    except Exception as error:  # MLflow, SQLAlchemy, requests and file systems each have errors of their own
        cause = f"cannot be read ({first_line(error)})"
    else:
        return
    raise UserError(f"MLflow's run {run_id}: {artifact} {cause}; delete it there, then orchestrate sync sends it again")
