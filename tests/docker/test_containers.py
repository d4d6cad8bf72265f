"""What the containers promise: pinned, closed by default, no secret inside, nothing missing."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

import pytest
from support.container_files import (
    COMPOSE,
    DOCKER,
    DOCKERFILE,
    DOCKERFILES,
    KUBERAY,
    ROOT,
    SCRIPTS,
    compose,
    manifests,
    pinned,
    pods,
    services,
)

TAG = re.compile(r"[a-z0-9./-]+:v?\d+(\.\d+)+[\w.-]*")
OURS = {name: service for name, service in services().items() if "build" in service}
NODES = ("head", "worker", "gpu-worker")


def words(value: Any) -> list[str]:
    """Every text in a document, keys aside."""
    if isinstance(value, dict):
        return [word for part in value.values() for word in words(part)]
    if isinstance(value, list):
        return [word for part in value for word in words(part)]
    return [str(value)]


def copied() -> list[str]:
    """What the Dockerfile takes from the repository."""
    lines = [line.split()[1:-1] for line in DOCKERFILE.read_text().splitlines() if line.startswith("COPY ")]
    return [path for line in lines if not line[0].startswith("--from") for path in line]


@pytest.mark.parametrize("name", services())
def test_every_image_has_a_full_version(name: str) -> None:
    assert TAG.fullmatch(services()[name]["image"])


def test_base_image_and_packages_have_full_versions() -> None:
    text = DOCKERFILE.read_text()
    assert re.search(r"^ARG PYTHON=3\.\d+\.\d+$", text, re.MULTILINE)
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(bases) == {"python:${PYTHON}-slim-bookworm", "dependencies"}
    for line in re.findall(r"pip install (?:(?!&&|;).)*", text.replace("\\\n", " ")):
        assert re.search(r"--constraint constraints\.txt|==|/dist/|--requirement torch\.txt", line), line


def test_dependencies_are_a_layer_that_no_change_of_the_code_makes_anew() -> None:
    stage = re.split(r"^FROM ", DOCKERFILE.read_text(), flags=re.MULTILINE)[1]
    assert re.findall(r"^COPY (.*) \./$", stage, re.MULTILINE) == ["constraints.txt pyproject.toml"]


def test_nothing_of_ours_uses_what_the_image_leaves_out() -> None:
    assert "pip uninstall --yes triton" in DOCKERFILE.read_text()
    sources = [file for package in ("gan_core", "orchestrator") for file in (ROOT / package).rglob("*.py")]
    uses = re.compile(r"torch\.compile|torch\._inductor|triton|cpp_extension")
    assert len(sources) > 100
    assert [file for file in sources if uses.search(file.read_text())] == []


def test_containers_and_kubernetes_run_one_image_with_the_pinned_ray() -> None:
    images = {service["image"] for service in OURS.values()} | {
        pod["containers"][0]["image"] for pod in pods().values()
    }
    assert len(images) == 1
    assert manifests()["RayCluster"]["spec"]["rayVersion"] == pinned("ray")


def test_image_and_pods_do_not_run_as_root() -> None:
    last = [line for line in DOCKERFILE.read_text().splitlines() if line.startswith("USER ")][-1]
    assert last == "USER ${CONTAINER_UID}"
    for pod in pods().values():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"]
        assert not pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"]
    assert all("ALL" in service["cap_drop"] for service in OURS.values())


def test_ports_are_published_on_loopback_unless_asked() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("${BIND:-127.0.0.1}:") for port in ports)
    assert "ports" not in services()["postgres"]
    assert compose()["networks"]["database"] == {"internal": True}
    assert not any("network_mode" in service for service in services().values())


def test_no_file_holds_a_secret() -> None:
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", variable):
                assert value.startswith("/run/secrets/"), f"{name}: {variable}"
        assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", " ".join(words(service)))
    for pod in pods().values():
        for variable in pod["containers"][0]["env"]:
            if re.search("PASSWORD|TOKEN|SECRET|KEY", variable["name"]):
                assert set(variable) == {"name", "valueFrom"}
    assert not re.search(r"(?i)(ARG|ENV)\s.*(password|token|secret)", DOCKERFILE.read_text())


def test_each_service_sees_only_secrets_that_it_names() -> None:
    declared = compose()["secrets"]
    for service in services().values():
        named = {word.removeprefix("/run/secrets/") for word in words(service) if word.startswith("/run/secrets/")}
        assert named == set(service.get("secrets", []))
        assert named <= set(declared)
    assert "postgres_password" not in services()["head"]["secrets"]
    assert services()["worker"]["secrets"] == ["ray_token"]


def test_secrets_are_kept_out_of_git_and_of_the_image() -> None:
    assert {"docker/secrets/", "docker/.env"} <= set((ROOT / ".gitignore").read_text().split("\n"))
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed == set(copied())
    assert all((ROOT / path).exists() for path in allowed)


def test_every_command_that_a_container_starts_is_there() -> None:
    started = [word for service in OURS.values() for word in words(service) if word.endswith(".sh")]
    started += re.findall(r"[\w-]+\.sh(?=\")", DOCKERFILE.read_text())
    started += re.findall(r"[\w-]+\.sh(?=,)", KUBERAY.read_text())
    assert {"mlflow.sh", "head.sh", "worker.sh", "healthy.sh"} <= set(started)
    assert all((DOCKER / "start" / name).is_file() for name in started)


def test_scripts_are_given_what_they_insist_on() -> None:
    for name, service in OURS.items():
        text = (DOCKER / "start" / service["command"][0]).read_text()
        insisted = set(re.findall(r"\$\{(\w+):\?", text))
        assert insisted <= set(service["environment"]), name
        known = set(re.findall(r"\$\{?([A-Z][A-Z_0-9]+)", text))
        unknown = {variable for variable in service["environment"] if variable not in known}
        assert all(fnmatch(variable, "MLFLOW_*") or fnmatch(variable, "RAY_AUTH_*") for variable in unknown), name


def test_services_start_in_order_and_say_when_they_are_well() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in services().items()}
    assert {name: list(needed) for name, needed in waits.items()} == {
        "postgres": [],
        "mlflow": ["postgres"],
        "head": ["mlflow"],
        "worker": ["head"],
        "gpu-worker": ["head"],
    }
    assert all(how == {"condition": "service_healthy"} for needed in waits.values() for how in needed.values())
    assert all("healthcheck" in services()[name] for name in ("postgres", "mlflow", "head"))
    assert "HEALTHCHECK" in DOCKERFILE.read_text()  # the workers'


def test_all_ray_nodes_see_one_storage_folder_and_enough_shared_memory() -> None:
    for name in NODES:
        service = services()[name]
        assert service["volumes"] == ["${RUNS:-runs}:/runs"]
        assert service["shm_size"] == "1gb" and int(service["environment"]["OBJECT_STORE_BYTES"]) < 10**9
    for pod in pods().values():
        assert {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]} == {"/runs", "/dev/shm"}
        claims = [volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if volume["name"] == "runs"]
        assert claims == [manifests()["PersistentVolumeClaim"]["metadata"]["name"]]
    assert manifests()["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_only_the_gpu_profile_asks_for_gpus() -> None:
    asks = [name for name, service in services().items() if "deploy" in service]
    assert asks == ["gpu-worker"]
    assert services()["gpu-worker"]["profiles"] == ["gpu"]
    limits = {name: pod["containers"][0]["resources"]["limits"] for name, pod in pods().items()}
    assert [name for name, limit in limits.items() if "nvidia.com/gpu" in limit] == ["gpu"]


def test_the_job_runs_a_sweep_of_the_image_on_the_cluster_beside_it() -> None:
    job, cluster = manifests()["RayJob"]["spec"], manifests()["RayCluster"]
    assert job["clusterSelector"] == {"ray.io/cluster": cluster["metadata"]["name"]}
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    words = job["entrypoint"].split()
    assert words[:2] == ["orchestrate", "sweep"]
    assert (ROOT / words[2].removeprefix("/app/")).is_file()


def test_every_setting_of_the_compose_file_is_explained_at_its_top() -> None:
    text = COMPOSE.read_text()
    top = text.split("\nname:")[0]
    used = set(re.findall(r"\$\{(\w+)", text)) - {"CONTAINER_UID"}  # made by make-secrets.sh
    explained = set(re.findall(r"^#   ([A-Z_]+) ", top, re.MULTILINE))
    assert used == explained


def test_no_file_names_an_address_outside() -> None:
    for file in (*DOCKERFILES, COMPOSE, KUBERAY, *SCRIPTS, ROOT / ".dockerignore"):
        hosts = re.findall(r"https?://([\w.${}:-]+)", file.read_text())
        assert set(hosts) <= {
            "127.0.0.1:5000",
            "127.0.0.1:8265",
            "127.0.0.1:52365",
            "mlflow:5000",
            "head:8265",
            "${MLFLOW_HOST:-localhost:5000}",
        }
