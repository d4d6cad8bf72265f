"""One run in MLflow and what it is known to hold: each method sends only what the run lacks.

What a run holds is asked of MLflow once, when it is needed: tags and parameters come with the run, files take one
listing, points one query a metric. A run that was just made holds nothing and is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from orchestrator.tracking.client import images_of
from orchestrator.tracking.run_content import Point

MAX_TOGETHER, MAX_NAMES = 1000, 100
"""MLflow's limits for one batch: of points, parameters and tags together; of parameters."""


class RunCopy:
    """`run`: MLflow's. `sent`: what was sent is counted there. `made`: the run was made a moment ago."""

    def __init__(self, client: Any, run: Any, sent: Counter[str], made: bool = False):
        self.client, self.sent = client, sent
        self.id: str = run.info.run_id
        self._steps: dict[str, set[int]] = {}
        self._names: set[str] | None = set() if made else set(run.data.metrics)
        self._has_data = False
        self._versions: dict[str, int] = {}  # of the files that were sent from here and arrived
        self._files: dict[str, int] | None
        self._pictures: set[int] | None
        self.renew(run)
        if made:
            self._files, self._pictures = {}, set()

    def renew(self, run: Any) -> None:
        """What it holds, as MLflow says now: after an error nobody knows what arrived.

        Points need no asking: MLflow keeps one of the same key, step, time and value once.
        """
        self.tags: dict[str, str] = dict(run.data.tags)
        self.status: str = run.info.status
        self._params = set(run.data.params)
        self._has_data |= bool(run.inputs and run.inputs.dataset_inputs)
        self._files = self._pictures = None

    def forget_points(self) -> None:
        """Whatever points come next are compared with those that MLflow holds by then."""
        self._names, self._steps = None, {}

    def set_tags(self, tags: dict[str, str]) -> None:
        self.send(tags=tags)

    def add_points(self, points: Iterable[Point]) -> None:
        self.send(points=points)

    def send(
        self,
        params: dict[str, str] | None = None,
        points: Iterable[Point] = (),
        tags: dict[str, str] | None = None,
    ) -> None:
        """What the run lacks of these, in as few calls as MLflow's limits allow: each is a transaction of its own.

        Tags come last, and MLflow writes those of a call after its points. Parameters that are there stay as they are:
        MLflow lets none change. A metric has one point a step.
        """
        from mlflow.entities import Metric, Param, RunTag

        new_tags = [RunTag(name, text) for name, text in (tags or {}).items() if self.tags.get(name) != text]
        new_params = [Param(name, text) for name, text in (params or {}).items() if name not in self._params]
        new_points = [Metric(*point) for point in points if point[3] not in self._held(point[0])]
        while new_params or new_points or new_tags:
            some_params, new_params = new_params[:MAX_NAMES], new_params[MAX_NAMES:]
            room = MAX_TOGETHER - len(some_params) - len(new_tags)
            some_points, new_points = new_points[:room], new_points[room:]
            some_tags = [] if new_params or new_points else new_tags
            self.client.log_batch(self.id, metrics=some_points, params=some_params, tags=some_tags)
            self._params |= {param.key for param in some_params}
            self.sent += Counter(points=len(some_points), parameters=len(some_params), tags=len(some_tags))
            if some_tags:
                self.tags |= {tag.key: tag.value for tag in some_tags}
                break

    def _held(self, metric: str) -> set[int]:
        """The steps at which MLflow had this metric when it was first asked about."""
        if metric not in self._steps:
            asked = self._names is None or metric in self._names
            found = self.client.get_metric_history(self.id, metric) if asked else []
            self._steps[metric] = {point.step for point in found}
        return self._steps[metric]

    def add_file(self, file: Path, anew: bool) -> None:
        """`anew`: a file of that name and size is not enough, unless it was sent from here."""
        found = file.stat()
        self._add_file(
            file.name, found.st_size, found.st_mtime_ns, anew, lambda: self.client.log_artifact(self.id, file)
        )

    def has_file(self, name: str) -> bool:
        return name in self._sizes()

    def add_text(self, name: str, text: str, anew: bool) -> None:
        size = len(text.encode())
        self._add_file(name, size, hash(text), anew, lambda: self.client.log_text(self.id, text, name))

    def _add_file(self, name: str, size: int, version: int, anew: bool, send: Callable[[], None]) -> None:
        if self._versions.get(name) == version or (not anew and self._sizes().get(name) == size):
            return
        send()
        self._versions[name] = version
        if self._files is not None:
            self._files[name] = size
        self.sent["files"] += 1

    def _sizes(self) -> dict[str, int]:
        if self._files is None:
            self._files = {entry.path: entry.file_size for entry in self.client.list_artifacts(self.id)}
        return self._files

    def add_pictures(self, pictures: list[tuple[int, Path]]) -> list[Path]:
        """(step, file) of sample grids; those that are damaged, and so were left out."""
        damaged: list[Path] = []
        if self._pictures is None:
            self._pictures = {step for _, step, _ in images_of(self.client, self.id)}
        for step, file in pictures:
            if step in self._pictures:
                continue
            if image := _picture(file):
                self.client.log_image(self.id, image, key="samples", step=step)
                self._pictures.add(step)
                self.sent["pictures"] += 1
            else:
                damaged.append(file)
        return damaged

    def add_data(self, data: dict[str, str]) -> None:
        """The data set that the run trains on, as `description.dataset` has it."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if not self._has_data:
            inputs = [DatasetInput(Dataset(**data), [InputTag("mlflow.data.context", "training")])]
            self.client.log_inputs(self.id, inputs)
            self._has_data = True
            self.sent["data sets"] += 1

    def set_status(self, status: str, ended: int | None = None) -> None:
        """`ended`: in ms; now, if it is left out."""
        if status == self.status:
            return
        if status == "RUNNING":
            self.client.update_run(self.id, status=status)
        else:
            self.client.set_terminated(self.id, status, ended)
        self.status = status
        self.sent["statuses"] += 1


def _picture(file: Path) -> Any:
    """The picture, read to its end; None where it is damaged or gone."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow's, for what is no PNG
        return None
