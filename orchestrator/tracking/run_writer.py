"""Writes to one MLflow run, and sends only what the run lacks.

MLflow is asked what a run holds once, when it is needed: tags and parameters come with the run, files need one listing,
points one query for each metric. A run that was just created holds nothing, so nothing is asked. Files go straight into
the run's folder if it is on this machine: MLflow's client would first ask the database where that is.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.tracking import artifact_location
from orchestrator.tracking.client import RunStatus, logged_images
from orchestrator.tracking.run_content import Point

MAX_BATCH, MAX_PARAMETERS = 1000, 100
"""MLflow's limits for one batch: of points, parameters and tags together; of parameters."""
UNFINISHED = ".artifact.uploading."
"""How the names of files begin that MLflow writes and does not list yet."""


class RunWriter:
    """`run`: MLflow's. `sent`: counts what is sent, by kind. `is_new`: the run was created a moment ago.

    Raises UserError if its artifacts are at a server that is not MLflow's.
    """

    def __init__(self, client: Any, run: Any, sent: Counter[str], is_new: bool = False):
        self.client, self.sent = client, sent
        self.id: str = run.info.run_id
        artifact_location.check(f"run {self.id}", run.info.artifact_uri, client.uri)
        self._folder = artifact_location.local_folder(run.info.artifact_uri)
        self._pending: tuple[dict[str, str], dict[str, str]] = {}, {}
        self._steps: dict[str, set[int]] = {}
        self._metrics: set[str] | None = set() if is_new else set(run.data.metrics)
        self._has_dataset = False
        self._sent_versions: dict[str, int] = {}  # of the files that this object has sent
        self._file_sizes: dict[str, int] | None
        self._picture_steps: set[int] | None
        self.refresh(run)
        if is_new:
            self._file_sizes, self._picture_steps = {}, set()

    def refresh(self, run: Any) -> None:
        """Take from MLflow what the run holds now: after an error it is unknown what arrived.

        Points need no query: MLflow stores one of the same key, step, time and value once.
        """
        self.tags: dict[str, str] = dict(run.data.tags)
        self.status: str = run.info.status
        self._params = set(run.data.params)
        self._has_dataset |= bool(run.inputs and run.inputs.dataset_inputs)
        self._file_sizes = self._picture_steps = None

    def forget_points(self) -> None:
        """Ask MLflow again which points it holds, before the next ones are sent."""
        self._metrics, self._steps = None, {}

    def add_to_next(self, params: dict[str, str], tags: dict[str, str]) -> None:
        """Parameters and tags that the next request takes along: one of their own costs more than they do."""
        self._pending = {**self._pending[0], **params}, {**self._pending[1], **tags}

    def set_tags(self, tags: dict[str, str]) -> None:
        self.send(tags=tags)

    def add_points(self, points: Iterable[Point]) -> None:
        self.send(points=points)

    def set_metrics(self, values: Mapping[str, float]) -> None:
        """Metrics that have a value and no course over steps. A value that MLflow shows already is not sent again."""
        from mlflow.entities import Metric

        shown, now_ms = self.client.get_run(self.id).data.metrics, int(time.time() * 1000)
        new = [Metric(name, value, now_ms, 0) for name, value in values.items() if shown.get(name) != value]
        if new:
            self.client.log_batch(self.id, metrics=new)
            self.sent["metrics of the sweep"] += len(new)

    def send(
        self,
        params: dict[str, str] | None = None,
        points: Iterable[Point] = (),
        tags: dict[str, str] | None = None,
    ) -> None:
        """Send what the run lacks of these in as few requests as MLflow's limits allow: each is a transaction.

        Tags are in the last request, and MLflow writes the tags of a request after its points. Parameters that the run
        has stay as they are, because MLflow does not let them change. A metric has one point per step.
        """
        from mlflow.entities import Metric, Param, RunTag

        all_params, all_tags = {**self._pending[0], **(params or {})}, {**self._pending[1], **(tags or {})}
        new_tags = [RunTag(name, text) for name, text in all_tags.items() if self.tags.get(name) != text]
        new_params = [Param(name, text) for name, text in all_params.items() if name not in self._params]
        new_points = [Metric(*point) for point in points if point.step not in self._steps_of(point.metric)]
        while new_params or new_points or new_tags:
            batch_params, new_params = new_params[:MAX_PARAMETERS], new_params[MAX_PARAMETERS:]
            room = MAX_BATCH - len(batch_params) - len(new_tags)
            batch_points, new_points = new_points[:room], new_points[room:]
            batch_tags = [] if new_params or new_points else new_tags
            self.client.log_batch(self.id, metrics=batch_points, params=batch_params, tags=batch_tags)
            self._params |= {param.key for param in batch_params}
            self.sent += Counter(points=len(batch_points), parameters=len(batch_params), tags=len(batch_tags))
            if batch_tags:
                self.tags |= {tag.key: tag.value for tag in batch_tags}
                break
        self._pending = {}, {}

    def _steps_of(self, metric: str) -> set[int]:
        """The steps at which MLflow had this metric when it was first asked."""
        if metric not in self._steps:
            may_exist = self._metrics is None or metric in self._metrics
            history = self.client.get_metric_history(self.id, metric) if may_exist else []
            self._steps[metric] = {point.step for point in history}
        return self._steps[metric]

    def add_file(self, file: Path, resend: bool) -> None:
        """`resend`: send it even if the run has a file of this name and size, unless this object has sent it."""
        stat = file.stat()
        self._add_file(file.name, stat.st_size, stat.st_mtime_ns, resend, lambda: self._copy(file))

    def has_file(self, name: str) -> bool:
        return name in self._sizes()

    def add_text(self, name: str, text: str, resend: bool) -> None:
        """Send a file with this text. `resend`: as for `add_file`."""
        size = len(text.encode())
        self._add_file(name, size, hash(text), resend, lambda: self._write_text(name, text))

    def _write_text(self, name: str, text: str) -> None:
        if self._folder:
            with _replacing(self._folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
        else:
            self.client.log_text(self.id, text, name)

    def _copy(self, file: Path) -> None:
        if self._folder:
            with _replacing(self._folder / file.name) as temporary:
                shutil.copy2(file, temporary)
        else:
            self.client.log_artifact(self.id, file)

    def _add_file(self, name: str, size: int, version: int, resend: bool, send: Callable[[], None]) -> None:
        if self._sent_versions.get(name) == version or (not resend and self._sizes().get(name) == size):
            return
        send()
        self._sent_versions[name] = version
        if self._file_sizes is not None:
            self._file_sizes[name] = size
        self.sent["files"] += 1

    def _sizes(self) -> dict[str, int]:
        if self._file_sizes is None:
            self._file_sizes = {entry.path: entry.file_size for entry in self.client.list_artifacts(self.id)}
        return self._file_sizes

    def add_pictures(self, pictures: list[tuple[int, Path]]) -> list[Path]:
        """Send sample grids, given as (step, file). Returns the files that are damaged, which are left out."""
        damaged: list[Path] = []
        if self._picture_steps is None:
            self._picture_steps = {image.step for image in logged_images(self.client, self.id)}
        for step, file in pictures:
            if step in self._picture_steps:
                continue
            if image := _read_image(file):
                self.client.log_image(self.id, image, key="samples", step=step)
                self._picture_steps.add(step)
                self.sent["pictures"] += 1
            else:
                damaged.append(file)
        return damaged

    def add_dataset(self, dataset: dict[str, str]) -> None:
        """Send the data set that the run trains on, as `run_content.dataset` gives it."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if not self._has_dataset:
            inputs = [DatasetInput(Dataset(**dataset), [InputTag("mlflow.data.context", "training")])]
            self.client.log_inputs(self.id, inputs)
            self._has_dataset = True
            self.sent["data sets"] += 1

    def set_status(self, status: RunStatus, end_ms: int | None = None) -> None:
        """`end_ms`: when the run ended, in ms since 1970; now, if it is None."""
        if status == self.status:
            return
        if status == RunStatus.RUNNING:
            self.client.update_run(self.id, status=status)
        else:
            self.client.set_terminated(self.id, status, end_ms)
        self.status = status
        self.sent["statuses"] += 1


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """A path to write to, which then becomes `file`: a report may read it meanwhile, and a kill leaves no half of it.

    Not synced to disk, as MLflow's client does not: the trial's folder has it all.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{UNFINISHED}{file.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def _read_image(file: Path) -> Any:
    """The whole image as a PIL Image, or None if the file is damaged or gone."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # Pillow raises these for damaged PNGs
        return None
