"""The best configuration's generator as an MLflow model, under the sweep's parent run.

It is saved as a traced graph (torch.export's pt2), MLflow's format without pickles: it loads with
`mlflow.pytorch.load_model` where neither this package nor permission to unpickle is there, and draws bit for bit what
the trial's generator draws. The client is called rather than `mlflow.pytorch.log_model`, which sets the address for the
whole process, prints, and loads the model again to try it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import warnings
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan_core.generator_file import SavedGenerator, from_generator_file
from gan_core.sampling import fixed_latents
from orchestrator.errors import UserError
from orchestrator.escaping import in_markdown
from orchestrator.planning.ranking import Best
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror import Mirror

NAME = "generator"
CONTENT = "orchestrate.generator"
"""The tag with the hash of the generator's file: what is logged already is found by it."""


@dataclass(frozen=True)
class LoggedGenerator:
    """`uri`: what `mlflow.pytorch.load_model` takes. `trial`: the name of the trial that made it."""

    uri: str
    trial: str


def check_name(name: str) -> None:
    """Raises UserError for a name that MLflow's registry refuses."""
    if not name.strip() or name in (".", "..") or any(letter in name for letter in "/:'\"\\"):
        raise UserError(f"--register {name!r}: MLflow takes no such name; give one without / : \\ and quotes")


def log(mirror: Mirror, best: Best, register: str | None) -> LoggedGenerator:
    """Logs the generator of `best`, once, and registers it as `register`, once; raises what MLflow raises."""
    trial = mirror.trials[best.key]
    file = mirror.folder.trial(best.key).generator_file
    content = _content(file)
    tags = {CONTENT: content, **_tags(mirror, best)}
    model_id = _logged(mirror, content)
    if model_id is None:
        model_id = _log_anew(mirror, best, file, tags)
    else:
        mirror.client.set_logged_model_tags(model_id, tags)  # other runs may have ended since, so other reasons
    uri = f"models:/{model_id}"
    if register:
        uri = f"models:/{register}/{_register(mirror, register, model_id, best)}"
    return LoggedGenerator(uri, trial["name"])


def is_logged(mirror: Mirror, best: Best) -> bool:
    """Whether MLflow has the generator of `best` as a model already."""
    return _logged(mirror, _content(mirror.folder.trial(best.key).generator_file)) is not None


def _content(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def _tags(mirror: Mirror, best: Best) -> dict[str, str]:
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
        "mlflow.note.content": in_markdown(best.reason[0].upper() + best.reason[1:] + "."),
    }


def _logged(mirror: Mirror, content: str) -> str | None:
    """The model of this parent that has this content and arrived whole."""
    wanted = f"tags.`{CONTENT}` = '{content}' AND source_run_id = '{mirror.parent}'"
    found = mirror.client.search_logged_models([mirror.experiment], wanted)
    return next((model.model_id for model in found if model.status == "READY"), None)


def _log_anew(mirror: Mirror, best: Best, file: Path, tags: dict[str, str]) -> str:
    from mlflow.entities import LoggedModelOutput

    client, settings = mirror.client, mirror.settings(best.key)
    kept = from_generator_file(file)
    parameters = run_content.parameters(mirror.trials[best.key], settings)
    model = client.create_logged_model(mirror.experiment, NAME, mirror.parent, tags, parameters)
    try:
        with tempfile.TemporaryDirectory(prefix="orchestrate-model-") as scratch:
            folder = Path(scratch) / "model"
            _save(kept, folder, model, mirror.parent)
            client.log_model_artifacts(model.model_id, str(folder))
        client.log_outputs(mirror.parent, [LoggedModelOutput(model.model_id, step=0)])
        client.finalize_logged_model(model.model_id, "READY")
    except Exception:
        with suppress(Exception):  # the first error is the one to tell
            client.finalize_logged_model(model.model_id, "FAILED")
        raise
    return str(model.model_id)


def _save(kept: SavedGenerator, folder: Path, model: Any, run_id: str) -> None:
    """Writes the folder of an MLflow model: graph, signature, example."""
    import mlflow.pytorch
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    latent_dim = kept.config.model.latent_dim
    latents = fixed_latents(8, latent_dim).numpy()  # more than one, or the graph would be of single images
    inputs = [TensorSpec(np.dtype("float32"), (-1, latent_dim), "latents")]
    example: Any = latents
    if kept.classes:
        labels = np.arange(8) % kept.classes
        inputs.append(TensorSpec(np.dtype("int64"), (-1,), "labels"))
        example = [latents, labels]
    size = kept.config.data.image_size
    outputs = [TensorSpec(np.dtype("float32"), (-1, kept.channels, size, size), "images")]
    described = Model(
        artifact_path=model.artifact_location, run_id=run_id, model_uuid=model.model_id, model_id=model.model_id
    )
    if kept.classes:  # MLflow writes no example of two inputs, but it reads one
        described.saved_input_example_info = {"artifact_path": "input_example.json", "type": "ndarray"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No complete tensor found")  # channels last is complete all the same
        mlflow.pytorch.save_model(
            kept.generator,
            folder,
            mlflow_model=described,
            signature=ModelSignature(Schema(inputs), Schema(outputs)),
            input_example=example,
            pip_requirements=[f"torch=={version('torch').split('+')[0]}"],  # else MLflow loads the model to find out
            serialization_format="pt2",
        )
    if kept.classes:
        named = {"latents": latents.tolist(), "labels": labels.tolist()}
        (folder / "input_example.json").write_text(json.dumps(named))


def _register(mirror: Mirror, name: str, model_id: str, best: Best) -> str:
    """The version of the registered model `name` that is this model, made where there is none."""
    import mlflow

    client, source = mirror.client, f"models:/{model_id}"
    known = [
        version.version for version in client.search_model_versions(f"name = '{name}'") if version.source == source
    ]
    if not known:
        mlflow.set_tracking_uri(mirror.uri)  # `register_model` has no address of its own, and says what it does
        with redirect_stderr(io.StringIO()):
            known = [mlflow.register_model(source, name).version]
    reason = in_markdown(best.reason)  # anew each time: other runs may have ended since
    client.update_model_version(name, known[0], reason)
    return str(known[0])
