"""The files that run a study on Slurm, in containers and on Kubernetes agree with the project."""

import re
import shlex
from typing import Any

import yaml

from tests.helpers.documented_commands import ROOT, parse_own_command

RAYJOB = "kuberay-rayjob.yaml"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def read_pinned_version(package: str) -> str:
    (version,) = re.findall(rf"^{package}==(\S+)$", read("constraints.txt"), re.MULTILINE)
    return str(version)


def read_pods() -> dict[str, dict[str, Any]]:
    """Return the only container of each group of pods, with the volumes of its pod."""
    cluster = yaml.safe_load(read(RAYJOB))["spec"]["rayClusterSpec"]
    specs = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = {}
    for spec in (each["template"]["spec"] for each in specs):
        (container,) = spec["containers"]
        pods[container["name"]] = {**container, "volumes": spec["volumes"]}
    return pods


def test_slurm_examples_have_accepted_commands() -> None:
    examples = re.findall(r"^# +sbatch .*slurm\.sbatch NAME (.*)$", read("slurm.sbatch"), re.M)
    assert len(examples) >= 3
    for example in examples:
        parse_own_command(shlex.split(example))


def test_rayjob_commands_are_accepted() -> None:
    commands = re.findall(r": bloodstudy (\w.*)", read(RAYJOB))
    assert [command.split()[0] for command in commands] == ["resume", "grid"]
    for command in commands:
        parse_own_command(shlex.split(command))


def test_rayjob_uses_the_pinned_ray_with_a_token() -> None:
    job = yaml.safe_load(read(RAYJOB))
    cluster = job["spec"]["rayClusterSpec"]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert cluster["rayVersion"] == read_pinned_version("ray")
    assert cluster["authOptions"] == {"mode": "token"}


def test_rayjob_pods_have_the_same_image_and_the_work_folder_of_the_dockerfile() -> None:
    pods = read_pods()
    assert {*pods} == {"ray-head", "ray-worker"}
    assert len({pod["image"] for pod in pods.values()}) == 1
    (folder,) = re.findall(r"^WORKDIR (\S+)\nUSER", read("Dockerfile"), re.MULTILINE)
    for pod in pods.values():
        (mount,) = pod["volumeMounts"]
        assert mount["mountPath"] == folder
        assert mount["name"] in {volume["name"] for volume in pod["volumes"]}


def test_dockerfile_copies_all_that_the_build_needs() -> None:
    included = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    packages = {"bloodnets", "reports", "study"}
    assert included == packages | {"LICENSE", "README.md", "constraints.txt", "pyproject.toml"}
    assert all((ROOT / name).exists() for name in included)


def test_dockerfile_installs_the_uv_of_cluster_yaml() -> None:
    pins = [re.findall(r"\buv==(\S+)", read(name)) for name in ("Dockerfile", "cluster.yaml")]
    assert pins[0]
    assert pins[0] == pins[1]
