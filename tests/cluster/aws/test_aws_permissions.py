"""Test `ray up`, `ray down` and `stop-cluster` on moto, with the permissions of rights.yaml.

moto checks the actions of the policies. It checks resources only for S3, and conditions not at all,
so the tests compare these with what Ray requests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication

from tests.helpers.aws import (
    BUCKET,
    REGION,
    ROOT,
    fill_cluster_file,
    get_node_configs,
    get_policies,
    read_aws_cluster_file,
    read_policy,
)

# Programs instead of ssh and rsync, which would connect to addresses that moto invents, and instead
# of those that would stop this computer. rsync keeps the file that Ray copies to the head.
PROGRAMS = {
    "ssh": "exit 0",
    "rsync": """for word; do
        case $word in */ray-bootstrap-*) cp "$word" ~/ray_bootstrap_config.yaml ;; esac
    done""",
    "sudo": 'echo "$*" >> ~/sudo.log',
    "ray": f'[ "$1" = stop ] || exec {sys.prefix}/bin/ray "$@"',
}


class Operator:
    """User with the permissions of some policies, who runs Ray's commands."""

    def __init__(self, home: Path, key: str, secret: str) -> None:
        self.home = home
        self.credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret}

    def create_client(self, service: str) -> Any:
        return boto3.client(service, **self.credentials)

    def run(self, *words: str) -> None:
        """Run a program from the project's folder, e.g. Ray's."""
        variables = {name.upper(): value for name, value in self.credentials.items()}
        path = f"{self.home}/bin:{os.environ['PATH']}"
        done = subprocess.run(
            [self.home / "bin" / words[0], *words[1:]],
            cwd=ROOT,
            env=os.environ | variables | {"PATH": path, "TMPDIR": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def create_operator(home: Path, name: str, policy_arns: Sequence[str]) -> Operator:
    """Create a user with the permissions of the policies, on S3 for their resources only."""
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    statements = [
        {
            "Effect": statement["Effect"],
            "Action": statement["Action"],
            "Resource": statement["Resource"] if "s3:" in statement["Action"][0] else "*",
        }
        for arn in policy_arns
        for statement in read_policy(arn)
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Operator(home, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def home(stack: str) -> Path:
    """Return the home of all operators, with cluster.yaml and programs."""
    folder = Path(os.environ["HOME"])
    (folder / "bin").mkdir()
    (folder / "venv").symlink_to(folder)
    for name, content in PROGRAMS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{content}\n")
        (folder / "bin" / name).chmod(0o755)
    (folder / "cluster.yaml").write_text(fill_cluster_file(stack))
    return folder


@pytest.fixture(scope="module")
def created(home: Path) -> dict[str, Operator]:
    """Create the user, the head and a worker."""
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return {name: create_operator(home, name, arns) for name, arns in get_policies().items()}


@pytest.fixture
def operators(created: dict[str, Operator]) -> Iterator[dict[str, Operator]]:
    """Yield the user, the head and a worker, while moto checks permissions."""
    with enable_iam_authentication():
        yield created


def list_instances(operator: Operator, *states: str) -> list[dict[str, Any]]:
    """Return the instances in these states, by default the running ones."""
    filters = [{"Name": "instance-state-name", "Values": states or ["pending", "running"]}]
    pages = operator.create_client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for page in pages for instance in page["Instances"]]


def get_tags(instance: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance["Tags"]}


def launch_workers(head: Operator) -> None:
    """Launch a worker of each type, as the autoscaler on the head does."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler.tags import (
        NODE_KIND_WORKER,
        TAG_RAY_NODE_KIND,
        TAG_RAY_NODE_NAME,
        TAG_RAY_NODE_STATUS,
        TAG_RAY_USER_NODE_TYPE,
    )

    config = yaml.safe_load((head.home / "ray_bootstrap_config.yaml").read_text())
    settings = config["provider"] | {"aws_credentials": head.credentials}
    provider = AWSNodeProvider(settings, config["cluster_name"])
    for name, node_config in get_node_configs(config).items():
        if name != config["head_node_type"]:
            tags = {
                TAG_RAY_NODE_KIND: NODE_KIND_WORKER,
                TAG_RAY_NODE_NAME: "ray-bloodstudy-worker",
                TAG_RAY_USER_NODE_TYPE: name,
            }
            (node,) = provider.create_node(node_config, tags, 1)
            provider.non_terminated_nodes({})
            provider.set_node_tags(node, {TAG_RAY_NODE_STATUS: "up-to-date"})


@pytest.mark.timeout(600)
def test_aws_cluster_starts_and_stops_with_the_permissions(
    operators: dict[str, Operator], home: Path
) -> None:
    user, head = operators["user"], operators["head"]
    file = str(home / "cluster.yaml")
    types = get_node_configs(read_aws_cluster_file())
    user.run("ray", "up", "--yes", "--no-config-cache", file)
    (made,) = list_instances(user)
    assert made["InstanceType"] == types["head"]["InstanceType"]
    assert made["IamInstanceProfile"]["Arn"].endswith("/bloodstudy-head")
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    assert get_tags(made)["ray-cluster-name"] == "bloodstudy"
    assert made["KeyName"] == f"ray-autoscaler_{REGION}"

    launch_workers(head)
    workers = {get_tags(each)["ray-user-node-type"]: each for each in list_instances(head)}
    del workers["head"]
    assert {*workers} == {*types} - {"head"}
    for name, worker in workers.items():
        assert worker["InstanceType"] == types[name]["InstanceType"]
        assert worker["IamInstanceProfile"]["Arn"].endswith("/bloodstudy-worker")
        assert get_tags(worker)["ray-cluster-name"] == "bloodstudy"
        assert (worker.get("InstanceLifecycle") == "spot") == name.endswith("spot")

    *_, command = read_aws_cluster_file()["head_setup_commands"]
    subprocess.run(["bash", "-c", command], check=True)
    head.run("stop-cluster")
    assert [each["InstanceId"] for each in list_instances(user)] == [made["InstanceId"]]
    assert (home / "sudo.log").read_text() == "shutdown -h now\n"

    launch_workers(head)
    user.run("ray", "down", "--yes", file)
    assert not list_instances(user, "pending", "running", "stopping", "stopped")


def test_aws_worker_may_not_use_ec2(operators: dict[str, Operator]) -> None:
    with pytest.raises(ClientError) as caught:
        list_instances(operators["worker"])
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


@pytest.mark.parametrize("name", ["user", "head", "worker"])
def test_aws_folder_of_the_studies_is_the_only_one(
    operators: dict[str, Operator], name: str
) -> None:
    s3 = operators[name].create_client("s3")
    s3.put_object(Bucket=BUCKET, Key="studies/a/study.json", Body=b"{}")
    with pytest.raises(ClientError):
        s3.put_object(Bucket=BUCKET, Key="other/study.json", Body=b"{}")
