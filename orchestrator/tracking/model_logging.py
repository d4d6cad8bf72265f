"""The best configuration's generator as an MLflow model, under the sweep's parent run.

It is saved as a traced graph (torch.export's pt2), MLflow's format without pickles: `mlflow.pytorch.load_model` loads
it without this package and without permission to unpickle, and it draws bit for bit what the trial's generator draws.
This module calls the client and not `mlflow.pytorch.log_model`, which sets the address for the whole process, prints,
and loads the model once more as a test.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UserError
from orchestrator.escaping import escape_markdown
from orchestrator.planning.ranking import RankedConfiguration
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror import Mirror

if TYPE_CHECKING:
    from gan_core.generator_file import SavedGenerator  # which needs torch: a sweep starts Ray before that is imported

MODEL_NAME = "generator"
CONTENT_TAG = "orchestrate.generator"
"""The tag with the hash of the generator's file, by which a model that is logged already is found."""
HOW_TO_LOAD = (
    "`mlflow.pyfunc.load_model(uri).predict(16)` draws images, and `.get_raw_model()` instead of `.predict(16)` gives "
    "a torch module. `mlflow.pytorch.load_model(uri)` gives the bare graph, which is in eval mode: do not call "
    "`.eval()`, which torch refuses for such graphs."
)
"""On the model's page in MLflow."""


@dataclass(frozen=True)
class LoggedGenerator:
    """`uri`: the argument of `mlflow.pytorch.load_model`. `trial`: the name of the trial that trained it."""

    uri: str
    trial: str


def check_name(name: str) -> None:
    """Raises UserError for a name that MLflow's model registry refuses."""
    if not name.strip() or name in (".", "..") or any(letter in name for letter in "/:'\"\\"):
        raise UserError(f"--register {name!r}: MLflow takes no such name; give one without / : \\ and quotes")


def log_generator(mirror: Mirror, best: RankedConfiguration, register: str | None) -> LoggedGenerator:
    """Log the generator of `best` and register it as `register`, unless MLflow has it already.

    Raises what MLflow raises.
    """
    trial = mirror.trials[best.key]
    file = mirror.folder.trial(best.key).generator_file
    file_hash = _file_hash(file)
    tags = {CONTENT_TAG: file_hash, **_tags(mirror, best)}
    model_id = _find_model(mirror, file_hash)
    if model_id is None:
        model_id = _create_model(mirror, best, file, tags)
    else:
        mirror.client.set_logged_model_tags(model_id, tags)  # the reason changes when other runs end
    uri = f"models:/{model_id}"
    if register:
        uri = f"models:/{register}/{_register(mirror, register, model_id, best)}"
    return LoggedGenerator(uri, trial["name"])


def is_logged(mirror: Mirror, best: RankedConfiguration) -> bool:
    """Whether MLflow has the generator of `best` as a model already."""
    return _find_model(mirror, _file_hash(mirror.folder.trial(best.key).generator_file)) is not None


def _file_hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def _tags(mirror: Mirror, best: RankedConfiguration) -> dict[str, str]:
    trial = mirror.trials[best.key]
    return {
        "sweep": mirror.document["name"],
        "trial": trial["name"],
        "group": trial["group"],
        "configuration": trial["configuration"],
        "seed": str(trial["seed"]),
        "run": mirror.children[best.key].run_id,
        "evaluator": best.evaluator,
        "frechet": f"{best.frechet:.6g}",
        "mlflow.note.content": f"{escape_markdown(best.reason[0].upper() + best.reason[1:])}.\n\n{HOW_TO_LOAD}",
    }


def _find_model(mirror: Mirror, file_hash: str) -> str | None:
    """The id of the sweep's model that was made from a file with this hash and arrived whole; None if there is none."""
    query = f"tags.`{CONTENT_TAG}` = '{file_hash}' AND source_run_id = '{mirror.parent_run_id}'"
    models = mirror.client.search_logged_models([mirror.experiment.id], query)
    return next((model.model_id for model in models if model.status == "READY"), None)


def _create_model(mirror: Mirror, best: RankedConfiguration, file: Path, tags: dict[str, str]) -> str:
    from mlflow.entities import LoggedModelOutput

    from gan_core.generator_file import from_generator_file

    client, settings = mirror.client, mirror.trial_settings(best.key)
    saved = from_generator_file(file)
    parameters = run_content.parameters(mirror.trials[best.key], settings)
    model = client.create_logged_model(mirror.experiment.id, MODEL_NAME, mirror.parent_run_id, tags, parameters)
    try:
        with tempfile.TemporaryDirectory(prefix="orchestrate-model-") as scratch:
            folder = Path(scratch) / "model"
            _save(saved, folder, model, mirror.parent_run_id)
            client.log_model_artifacts(model.model_id, str(folder))
        client.log_outputs(mirror.parent_run_id, [LoggedModelOutput(model.model_id, step=0)])
        client.finalize_logged_model(model.model_id, "READY")
    except Exception:
        with suppress(Exception):  # the first error is the one to raise
            client.finalize_logged_model(model.model_id, "FAILED")
        raise
    return str(model.model_id)


def _save(saved: SavedGenerator, folder: Path, model: Any, run_id: str) -> None:
    """Write the folder of an MLflow model: traced graph, input example, and what `predict` needs.

    MLflow's own `predict` takes one array. Ours takes all that people have, so no signature may refuse it before; the
    model's metadata say what it takes.
    """
    import mlflow.pyfunc
    import mlflow.pytorch
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    from gan_core.sampling import fixed_latents
    from orchestrator.tracking import generator_pyfunc

    latent_dim = saved.config.model.latent_dim
    latents = fixed_latents(8, latent_dim).numpy()  # more than one, or the graph would take single images only
    inputs = [TensorSpec(np.dtype("float32"), (-1, latent_dim), "latents")]
    example: Any = latents
    if saved.classes:
        labels = np.arange(8) % saved.classes
        inputs.append(TensorSpec(np.dtype("int64"), (-1,), "labels"))
        example = [latents, labels]
    size = saved.config.data.image_size
    outputs = [TensorSpec(np.dtype("float32"), (-1, saved.channels, size, size), "images")]
    mlflow_model = Model(
        artifact_path=model.artifact_location, run_id=run_id, model_uuid=model.model_id, model_id=model.model_id
    )
    if saved.classes:  # MLflow cannot write an example of two inputs, but it can read one
        mlflow_model.saved_input_example_info = {"artifact_path": "input_example.json", "type": "ndarray"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No complete tensor found")  # the channels-last ones are complete
        mlflow.pytorch.save_model(
            saved.generator,
            folder,
            mlflow_model=mlflow_model,
            signature=ModelSignature(Schema(inputs), Schema(outputs)),
            input_example=example,
            pip_requirements=[
                f"torch=={version('torch').split('+')[0]}"
            ],  # otherwise MLflow loads the model to find them
            serialization_format="pt2",
            code_paths=[generator_pyfunc.__file__],
        )
    description = {"latent_dim": latent_dim, "classes": saved.classes}
    (folder / generator_pyfunc.DESCRIPTION_FILE).write_text(json.dumps(description))
    written = Model.load(folder)
    written.flavors.pop("python_function", None)  # MLflow writes it only for models of one input
    mlflow.pyfunc.add_to_model(
        written,
        loader_module=Path(generator_pyfunc.__file__).stem,
        data="data",
        code="code",
        conda_env="conda.yaml",
        python_env="python_env.yaml",
    )
    written.metadata = {"inputs": Schema(inputs).to_dict(), "outputs": Schema(outputs).to_dict()}
    written.signature = None
    written.save(folder / "MLmodel")
    if saved.classes:
        named = {"latents": latents.tolist(), "labels": labels.tolist()}
        (folder / "input_example.json").write_text(json.dumps(named))


def _register(mirror: Mirror, name: str, model_id: str, best: RankedConfiguration) -> str:
    """The version of the registered model `name` that is this model; created if there is none."""
    import mlflow

    client, source = mirror.client, f"models:/{model_id}"
    versions = client.search_model_versions(f"name = '{name}'")
    numbers = [version.version for version in versions if version.source == source]
    if not numbers:
        with _as_default_address(mirror.uri), redirect_stderr(io.StringIO()):  # it takes no address, and prints
            numbers = [mlflow.register_model(source, name).version]
    reason = escape_markdown(best.reason)  # written each time: it may change when other runs end
    client.update_model_version(name, numbers[0], reason)
    return str(numbers[0])


@contextmanager
def _as_default_address(uri: str) -> Iterator[None]:
    """Here MLflow's functions that take no address use `uri`, which MLflow writes into this process's environment."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # None takes it away again
