"""Test cluster.yaml and docs/aws/rights.yaml with Ray and moto, a stand-in for AWS."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import ray
import yaml
from cfnlint.api import lint_file
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
FILE = ROOT / "cluster.yaml"
RIGHTS = ROOT / "docs/aws/rights.yaml"
FROM = "203.0.113.7/32"
REGION = "eu-central-1"


def written() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return config


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run moto's AWS server for this process only, with a temporary home for keys."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ray").mkdir()
    (home / ".ray/auth_token").write_text("for the tests")  # Ray hashes the files that it copies
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(home),
        }.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE"):
            patch.delenv(name, raising=False)
        try:
            yield
        finally:
            server.stop()


@pytest.fixture(scope="module")
def stack(aws: None) -> str:
    """Create the stack of access rights, and return the id of its security group."""
    vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    given = {"Vpc": vpc, "SshFrom": FROM, "Bucket": "the-bucket", "Prefix": "studies"}
    formation = boto3.client("cloudformation")
    formation.create_stack(
        StackName="bloodstudy",
        TemplateBody=RIGHTS.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (made,) = formation.describe_stacks(StackName="bloodstudy")["Stacks"]
    return str(made["Outputs"][0]["OutputValue"])


@pytest.fixture(scope="module")
def resolved(stack: str) -> dict[str, Any]:
    """Return cluster.yaml as `ray up` sends it to the head: completed, checked and resolved."""
    from ray.autoscaler._private.commands import _bootstrap_config

    image = boto3.client("ec2").describe_images()["Images"][0]["ImageId"]
    text = FILE.read_text(encoding="utf-8")
    text = text.replace("sg-00000000000000000", stack).replace("ami-00000000000000000", image)
    config: dict[str, Any] = _bootstrap_config(yaml.safe_load(text), no_config_cache=True)
    return config


def node_configs(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: kind["node_config"] for name, kind in config["available_node_types"].items()}


def test_aws_ssh_is_open_to_the_stated_range_only(stack: str, resolved: dict[str, Any]) -> None:
    """Ray opens SSH to the internet in every group that it creates, so it must create none."""
    assert all(node["SecurityGroupIds"] == [stack] for node in node_configs(resolved).values())
    groups = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    assert {group["GroupName"] for group in groups} == {"default", "bloodstudy"}
    (group,) = (group for group in groups if group["GroupId"] == stack)
    outside = [rule for rule in group["IpPermissions"] if rule["IpRanges"] or rule["Ipv6Ranges"]]
    inside = [rule for rule in group["IpPermissions"] if rule["UserIdGroupPairs"]]
    assert [(r["FromPort"], r["ToPort"], r["IpRanges"], r["Ipv6Ranges"]) for r in outside] == [
        (22, 22, [{"CidrIp": FROM}], [])
    ]
    assert [pair["GroupId"] for rule in inside for pair in rule["UserIdGroupPairs"]] == [stack]
    assert len(group["IpPermissions"]) == 2


@pytest.mark.parametrize("everywhere", ["0.0.0.0/0", "::/0", "10.0.0.0/0", "128.0.0.0/1"])
def test_aws_ssh_range_of_the_whole_internet_is_refused(everywhere: str) -> None:
    (pattern,) = re.findall(r"SshFrom:.*?AllowedPattern: '(.*?)'", RIGHTS.read_text(), re.DOTALL)
    assert re.fullmatch(pattern, FROM)
    assert not re.fullmatch(pattern, everywhere)


def test_aws_instance_profiles_are_those_of_the_stack(resolved: dict[str, Any]) -> None:
    profiles = {name: n["IamInstanceProfile"]["Name"] for name, n in node_configs(resolved).items()}
    worker = "bloodstudy-worker"
    assert profiles == {"head": "bloodstudy-head", "spot": worker, "on-demand": worker}
    assert resolved["head_node"] == {}  # where Ray would add its own profile
    made = boto3.client("iam").list_instance_profiles()["InstanceProfiles"]
    assert {
        profile["InstanceProfileName"]: [role["RoleName"] for role in profile["Roles"]]
        for profile in made
    } == {name: [name] for name in ("bloodstudy-head", "bloodstudy-worker")}


def statements(role: str) -> list[dict[str, Any]]:
    iam = boto3.client("iam")
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    found = []
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        (version,) = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        content = document["PolicyVersion"]["Document"]
        found += (json.loads(content) if isinstance(content, str) else content)["Statement"]
    return found


def test_aws_rights_are_minimal(stack: str) -> None:
    head, worker = statements("bloodstudy-head"), statements("bloodstudy-worker")
    for statement in (*head, *worker):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*":
            assert all(action.startswith("ec2:Describe") for action in statement["Action"])
        assert "${" not in json.dumps(statement)
    assert {action for each in worker for action in each["Action"]} == {
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
        "s3:ListBucket",
    }  # fmt: skip
    assert [each["Resource"] for each in worker] == [
        "arn:aws:s3:::the-bucket/studies/*",
        "arn:aws:s3:::the-bucket",
    ]
    assert worker[1]["Condition"] == {"StringLike": {"s3:prefix": ["studies", "studies/*"]}}
    for action in ("ec2:TerminateInstances", "iam:PassRole", "ec2:CreateTags"):
        given = [each for each in head if action in each["Action"]]
        assert given
        assert all(each["Condition"]["StringEquals"] for each in given)
    (passes,) = (each for each in head if "iam:PassRole" in each["Action"])
    assert passes["Resource"].endswith(":role/bloodstudy-worker")


def test_aws_head_is_created(resolved: dict[str, Any]) -> None:
    """Ray's AWS provider creates the head, and moto reports the requested properties."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler.tags import NODE_KIND_HEAD, TAG_RAY_NODE_KIND, TAG_RAY_NODE_NAME

    provider = AWSNodeProvider(resolved["provider"], resolved["cluster_name"])
    tags = {TAG_RAY_NODE_KIND: NODE_KIND_HEAD, TAG_RAY_NODE_NAME: "head"}
    provider.create_node(node_configs(resolved)["head"], tags, 1)
    client = boto3.client("ec2")
    (reservation,) = client.describe_instances()["Reservations"]
    (made,) = reservation["Instances"]
    assert made["InstanceType"] == "m6i.large"
    assert made["IamInstanceProfile"]["Arn"].endswith("/bloodstudy-head")
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    assert [group["GroupName"] for group in made["SecurityGroups"]] == ["bloodstudy"]
    assert {"Key": "ray-cluster-name", "Value": "bloodstudy"} in made["Tags"]
    (volume,) = client.describe_volumes()["Volumes"]
    assert (volume["Size"], volume["Encrypted"], volume["VolumeType"]) == (100, True, "gp3")


def test_aws_nodes_have_encrypted_disks_and_guarded_credentials(resolved: dict[str, Any]) -> None:
    nodes = node_configs(resolved)
    assert len(nodes) == 3
    for node in nodes.values():
        assert node["MetadataOptions"]["HttpTokens"] == "required"
        (disk,) = node["BlockDeviceMappings"]
        assert disk["Ebs"] == {
            "VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True
        }  # fmt: skip
    assert nodes["spot"].pop("InstanceMarketOptions") == {"MarketType": "spot"}
    assert nodes["spot"] == nodes["on-demand"]


def launched(resolved: dict[str, Any], lacking: dict[str, float]) -> dict[str, int]:
    """Return the nodes that the autoscaler would launch for four trials of a quarter GPU each."""
    from ray.autoscaler.v2.event_logger import AutoscalerEventLogger
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    config = AutoscalingConfig(resolved)
    request = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs=config.get_node_type_configs(),
        max_num_nodes=config.get_max_num_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count(
            [ResourceRequestUtil.make({"CPU": 1, "GPU": 0.25})] * 4
        ),
        recoverable_resource_availabilities=lacking,
    )

    class Silent(AutoscalerEventLogger):
        def __init__(self) -> None: ...

        def log_cluster_scheduling_update(self, *_: object, **__: object) -> None: ...

    reply = ResourceDemandScheduler(Silent()).schedule(request)
    return {each.instance_type: each.count for each in reply.to_launch}


def test_aws_workers_are_spot_first_with_a_fallback(resolved: dict[str, Any]) -> None:
    assert launched(resolved, {}) == {"spot": 1}
    assert launched(resolved, {"spot": 0.0}) == {"on-demand": 1}


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
    assert resolved["head_setup_commands"] == resolved["worker_setup_commands"]
    commands = resolved["head_setup_commands"]
    assert commands == written()["setup_commands"]
    said = " ".join(commands)
    assert re.fullmatch(r"3\.11\.\d+", *re.findall(r"--python (\d\S*)", said))
    installs = [command for command in commands if "pip install" in command]
    assert re.search(r" uv==\d+\.\d+\.\d+$", installs[0])
    assert "--constraint ~/bloodstudy/constraints.txt ~/bloodstudy[cluster]" in installs[1]
    assert len(installs) == 2
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert f"ray=={ray.__version__}" in pins
    assert any(pin.startswith("boto3==") for pin in pins)
    assert "ray==" not in FILE.read_text()


def test_aws_stack_is_accepted_by_cloudformation() -> None:
    """AWS's linter is needed because moto accepts YAML anchors and CloudFormation does not."""
    assert not lint_file(RIGHTS)
    assert not re.findall(r"[:\[,] *[&*]\w", RIGHTS.read_text(encoding="utf-8"))


def test_cluster_files_hold_no_secret() -> None:
    for file in (FILE, RIGHTS):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"AKIA|ASIA|BEGIN .*KEY|\b\d{12}\b|[0-9a-f]{32}", text)
        assert not re.findall(r"(?i)(?:password|secret|token)\w*\s*[:=]\s*['\"]?[\w+/]{12,}", text)


def test_aws_keys_stay_out_of_the_home_of_the_user(resolved: dict[str, Any]) -> None:
    key = Path(resolved["auth"]["ssh_private_key"])
    assert key.is_relative_to(os.environ["HOME"])
    assert key.stat().st_mode & 0o077 == 0
