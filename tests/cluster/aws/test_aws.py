"""Test cluster.yaml and docs/aws/rights.yaml with Ray and moto, a stand-in for AWS."""

import os
import re
import tomllib
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import boto3
import pytest
import ray
from cfnlint.api import lint_file

from tests.helpers.aws import (
    CLUSTER_FILE,
    RIGHTS_FILE,
    ROOT,
    SSH_RANGE,
    get_node_configs,
    read_aws_cluster_file,
)

WORKERS = ("spot", "on-demand", "large-spot", "large-on-demand")


def test_aws_ssh_is_open_to_the_stated_range_only(stack: str, resolved: dict[str, Any]) -> None:
    """Ray opens SSH to the internet in every group that it creates, so it must create none."""
    assert all(node["SecurityGroupIds"] == [stack] for node in get_node_configs(resolved).values())
    groups = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    assert {group["GroupName"] for group in groups} == {"default", "bloodstudy"}
    (group,) = (group for group in groups if group["GroupId"] == stack)
    outside = [rule for rule in group["IpPermissions"] if rule["IpRanges"] or rule["Ipv6Ranges"]]
    inside = [rule for rule in group["IpPermissions"] if rule["UserIdGroupPairs"]]
    assert [(r["FromPort"], r["ToPort"], r["IpRanges"], r["Ipv6Ranges"]) for r in outside] == [
        (22, 22, [{"CidrIp": SSH_RANGE}], [])
    ]
    assert [pair["GroupId"] for rule in inside for pair in rule["UserIdGroupPairs"]] == [stack]
    assert len(group["IpPermissions"]) == 2


@pytest.mark.parametrize("everywhere", ["0.0.0.0/0", "::/0", "10.0.0.0/0", "128.0.0.0/1"])
def test_aws_ssh_range_of_the_whole_internet_is_refused(everywhere: str) -> None:
    (pattern,) = re.findall(
        r"SshFrom:.*?AllowedPattern: '(.*?)'", RIGHTS_FILE.read_text(), re.DOTALL
    )
    assert re.fullmatch(pattern, SSH_RANGE)
    assert not re.fullmatch(pattern, everywhere)


def test_aws_instance_profiles_are_those_of_the_stack(resolved: dict[str, Any]) -> None:
    nodes = get_node_configs(resolved)
    profiles = {name: node["IamInstanceProfile"]["Name"] for name, node in nodes.items()}
    assert profiles == {"head": "bloodstudy-head"} | dict.fromkeys(WORKERS, "bloodstudy-worker")
    assert resolved["head_node"] == {}  # where Ray would add its own profile
    made = boto3.client("iam").list_instance_profiles()["InstanceProfiles"]
    assert {
        profile["InstanceProfileName"]: [role["RoleName"] for role in profile["Roles"]]
        for profile in made
    } == {name: [name] for name in ("bloodstudy-head", "bloodstudy-worker")}


def test_aws_nodes_have_encrypted_disks_and_guarded_credentials(resolved: dict[str, Any]) -> None:
    nodes = get_node_configs(resolved)
    for node in nodes.values():
        assert node["MetadataOptions"]["HttpTokens"] == "required"
        (disk,) = node["BlockDeviceMappings"]
        assert disk["Ebs"]["Encrypted"]
        assert disk["Ebs"]["DeleteOnTermination"]


def test_aws_head_that_shuts_down_is_terminated(resolved: dict[str, Any]) -> None:
    """A stopped instance would remain, with its disk, after `stop-cluster`."""
    head = get_node_configs(resolved)["head"]
    assert head["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_aws_spot_and_on_demand_types_differ_only_in_price(resolved: dict[str, Any]) -> None:
    types = {name: resolved["available_node_types"][name] for name in WORKERS}
    for spot, on_demand in (("spot", "on-demand"), ("large-spot", "large-on-demand")):
        assert types[spot] == types[on_demand] | {
            "priority": types[on_demand]["priority"] + 1,
            "node_config": types[on_demand]["node_config"]
            | {"InstanceMarketOptions": {"MarketType": "spot"}},
        }


def test_aws_worker_types_have_the_same_gpu(resolved: dict[str, Any]) -> None:
    resources = [resolved["available_node_types"][name]["resources"] for name in WORKERS]
    accelerators = {key for each in resources for key in each if key.startswith("accelerator")}
    assert len(accelerators) == 1
    assert [each["GPU"] for each in resources] == [1, 1, 4, 4]


def find_launched_nodes(
    resolved: dict[str, Any],
    *,
    n_trials: int = 4,
    n_gpus: float = 0.25,
    lacking: Sequence[str] = (),
    n_large: int = 0,
) -> dict[str, int]:
    """Return how many nodes of each type the autoscaler would launch.

    Args:
        resolved: Resolved cluster.yaml.
        n_trials: Number of waiting trials.
        n_gpus: GPUs per trial.
        lacking: Node types that AWS has just refused.
        n_large: Limit for each node type with several GPUs.
    """
    from ray.autoscaler.v2.event_logger import AutoscalerEventLogger
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    config = deepcopy(resolved)
    for name in ("large-spot", "large-on-demand"):
        config["available_node_types"][name]["max_workers"] = n_large
    scaling = AutoscalingConfig(config)
    request = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs=scaling.get_node_type_configs(),
        max_num_nodes=scaling.get_max_num_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count(
            [ResourceRequestUtil.make({"CPU": 1, "GPU": n_gpus})] * n_trials
        ),
        recoverable_resource_availabilities=dict.fromkeys(lacking, 0.0),
    )

    class Silent(AutoscalerEventLogger):
        def __init__(self) -> None: ...

        def log_cluster_scheduling_update(self, *_: object, **__: object) -> None: ...

    reply = ResourceDemandScheduler(Silent()).schedule(request)
    return {each.instance_type: each.count for each in reply.to_launch}


def test_aws_workers_are_spot_first_with_a_fallback(resolved: dict[str, Any]) -> None:
    assert find_launched_nodes(resolved) == {"spot": 1}
    assert find_launched_nodes(resolved, lacking=["spot"]) == {"on-demand": 1}
    assert find_launched_nodes(resolved, n_trials=24) == {"spot": 6}


def test_aws_nodes_with_several_gpus_are_launched_only_below_their_limit(
    resolved: dict[str, Any],
) -> None:
    """Trials wait for such a node even if AWS refuses it, so cluster.yaml has a limit of zero."""
    assert find_launched_nodes(resolved, n_trials=16) == {"spot": 4}
    assert find_launched_nodes(resolved, n_trials=16, n_large=1) == {"large-spot": 1}
    assert find_launched_nodes(resolved, n_trials=4, n_gpus=1, n_large=1) == {"large-spot": 1}
    refused = find_launched_nodes(resolved, n_trials=16, n_large=1, lacking=["large-spot"])
    assert refused == {"large-on-demand": 1}
    refused = find_launched_nodes(
        resolved, n_trials=16, n_large=1, lacking=["large-spot", "large-on-demand"]
    )
    assert "spot" not in refused


def test_aws_setup_commands_install_the_project(resolved: dict[str, Any]) -> None:
    start = " ".join(resolved["head_start_ray_commands"])
    assert re.findall(r"--dashboard-host=(\S+)", start) == ["127.0.0.1"]
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in start
    starts = [*resolved["head_start_ray_commands"], *resolved["worker_start_ray_commands"]]
    starting = [command for command in starts if "ray start" in command]
    assert len(starting) == 2
    assert all("RAY_AUTH_MODE=token ray start" in command for command in starting)


def test_aws_file_mounts_copy_only_the_project(resolved: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {pattern.removesuffix("*") for pattern in patterns}
    files = {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    expected = packages | files | {*project["project"]["license-files"]}
    token = "~/.ray/auth_token"
    assert resolved["file_mounts"] == {token: token} | {f"~/bloodstudy/{n}": n for n in expected}
    assert all((ROOT / name).exists() for name in expected)


def test_cluster_files_pin_the_same_versions(resolved: dict[str, Any]) -> None:
    """Python is pinned by its full version, the rest by constraints.txt, on head and workers."""
    written = read_aws_cluster_file()
    shared = written["setup_commands"]
    (python,) = re.findall(r"--python (\d\S*)", " ".join(shared))
    assert re.fullmatch(r"3\.11\.\d+", python)
    assert any(re.search(r" uv==\d+\.\d+\.\d+$", command) for command in shared)
    for kind in ("head", "worker"):
        own = written[f"{kind}_setup_commands"]
        assert resolved[f"{kind}_setup_commands"] == [*shared, *own]
        install = own[0]
        assert "--constraint ~/bloodstudy/constraints.txt ~/bloodstudy[cluster]" in install
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert f"ray=={ray.__version__}" in pins
    assert any(pin.startswith("boto3==") for pin in pins)
    assert "ray==" not in CLUSTER_FILE.read_text()


def test_aws_head_installs_pytorch_without_cuda() -> None:
    written = read_aws_cluster_file()
    head, worker = (written[f"{kind}_setup_commands"][0] for kind in ("head", "worker"))
    assert head.replace(" --torch-backend=cpu", "") == worker
    assert "--torch-backend=cpu" in head


def test_constraints_pin_the_cuda_whose_driver_is_stated() -> None:
    """R580 is the first driver for CUDA 13."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^cuda-toolkit==13\.0\.", pins, re.MULTILINE)
    assert re.search(r"^nvidia-cudnn-cu13==", pins, re.MULTILINE)
    for file in (CLUSTER_FILE, ROOT / "docs/how-to/cluster-aws.md"):
        assert "R580" in file.read_text(encoding="utf-8")


def test_aws_stack_is_accepted_by_cloudformation() -> None:
    """AWS's linter is needed because moto accepts YAML anchors and CloudFormation does not."""
    assert not lint_file(RIGHTS_FILE)
    assert not re.findall(r"[:\[,] *[&*]\w", RIGHTS_FILE.read_text(encoding="utf-8"))


def test_cluster_files_hold_no_secret() -> None:
    for file in (CLUSTER_FILE, RIGHTS_FILE):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"AKIA|ASIA|BEGIN .*KEY|\b\d{12}\b|[0-9a-f]{32}", text)
        assert not re.findall(r"(?i)(?:password|secret|token)\w*\s*[:=]\s*['\"]?[\w+/]{12,}", text)


def test_aws_keys_stay_out_of_the_home_of_the_user(resolved: dict[str, Any]) -> None:
    key = Path(resolved["auth"]["ssh_private_key"])
    assert key.is_relative_to(os.environ["HOME"])
    assert key.stat().st_mode & 0o077 == 0
