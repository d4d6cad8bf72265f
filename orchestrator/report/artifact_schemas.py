"""What the report reads from MLflow, checked before anything is made of it: others can write there, too."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gan_core.error_text import first_line
from orchestrator.errors import UserError


class _Answer(BaseModel):
    """More keys than these may be there."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class _Trial(_Answer):
    key: str
    name: str
    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    steps: int
    confirms: bool = False


class _Sweep(_Answer):
    name: str
    question: str
    file: str
    overrides: list[str]
    cautions: list[str]
    trials: list[_Trial]


class _KeptOut(_Answer):
    count: int
    frechet: float
    precision: float
    recall: float


class _Nothing(BaseModel):
    """Too few images were kept out to measure them."""

    model_config = ConfigDict(extra="forbid")


class _Card(_Answer):
    id: str
    features: Literal["classifier", "random", "inception"]
    weights: str
    preprocessing: str
    split: str
    real: int
    samples: int
    compared: int
    accuracy: float | None
    kept_out: _KeptOut | _Nothing | None


class _Environment(_Answer):
    packages: dict[str, str] | None = None
    processor: str = ""
    gpu: str = ""


_ROW: TypeAdapter[dict[str, float]] = TypeAdapter(dict[str, float])


class Damaged(ValueError):
    """An answer that is not what the mirror wrote."""


def sweep(content: bytes) -> dict[str, Any]:
    return _checked(_Sweep, content)


def card(content: bytes) -> dict[str, Any]:
    return _checked(_Card, content)


def environment(content: bytes) -> dict[str, Any]:
    return _checked(_Environment, content)


def _checked(kind: type[BaseModel], content: bytes) -> dict[str, Any]:
    """The JSON as it is. Raises Damaged."""
    try:
        kind.model_validate_json(content)
        found: dict[str, Any] = json.loads(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise Damaged(f"{'.'.join(map(str, fault['loc'])) or 'JSON'}: {fault['msg']}") from None
    return found


def history(content: bytes) -> list[dict[str, float]]:
    """The rows, without values that are no numbers (NaN, infinity). Raises Damaged."""
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            row = _ROW.validate_json(line)
        except ValidationError:
            raise Damaged(f"line {number} is not a row of numbers") from None
        if "step" not in row or not math.isfinite(row["step"]):
            raise Damaged(f"line {number} has no step")
        rows.append(finite(row))
    return rows


def finite(metrics: dict[str, float]) -> dict[str, float]:
    """Without what is no number: our own runs never log such a value, another writer may."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def picture(content: bytes) -> bytes:
    """The PNG, if it is one. Raises Damaged."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.width * image.height > 50_000_000:
                raise Damaged("too large a picture")
            image.load()
    except Damaged:
        raise
    except Exception as error:  # Pillow raises a different class for each way that a file can be broken
        raise Damaged(first_line(error)) from None
    return content


@contextmanager
def from_run(run_id: str, name: str) -> Iterator[None]:
    """Names the run and what was read of it where that is damaged or missing. Raises UserError."""
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
    raise UserError(f"MLflow's run {run_id}: {name} {cause}; delete it there, then orchestrate sync sends it again")
