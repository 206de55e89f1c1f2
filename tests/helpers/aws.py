"""The files for AWS, and moto, a stand-in for AWS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import requests
import yaml
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
CLUSTER_FILE = ROOT / "cluster.yaml"
RIGHTS_FILE = ROOT / "docs/aws/rights.yaml"
REGION = "eu-central-1"
SSH_RANGE = "203.0.113.7/32"
BUCKET = "the-bucket"


@contextmanager
def serve_aws() -> Iterator[str]:
    """Run moto's server in this process, and yield its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_aws_env(url: str, home: Path) -> dict[str, str]:
    """Empty the server, and return the environment of its client with `home` as home."""
    requests.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()
    (home / ".ray").mkdir()
    (home / ".ray/auth_token").write_text("for the tests")  # Ray hashes the files that it copies
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
    }


def create_stack() -> str:
    """Create the stack of permissions, and return the id of its security group."""
    vpc = boto3.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    given = {"Vpc": vpc, "SshFrom": SSH_RANGE, "Bucket": BUCKET, "Prefix": "studies"}
    formation = boto3.client("cloudformation")
    formation.create_stack(
        StackName="bloodstudy",
        TemplateBody=RIGHTS_FILE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (made,) = formation.describe_stacks(StackName="bloodstudy")["Stacks"]
    return str(made["Outputs"][0]["OutputValue"])


def read_aws_cluster_file() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(CLUSTER_FILE.read_text(encoding="utf-8"))
    return config


def fill_cluster_file(security_group: str) -> str:
    """Return cluster.yaml with the values that a user sets."""
    image = boto3.client("ec2").describe_images()["Images"][0]["ImageId"]
    text = CLUSTER_FILE.read_text(encoding="utf-8")
    return text.replace("sg-00000000000000000", security_group).replace(
        "ami-00000000000000000", image
    )


def get_node_configs(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: kind["node_config"] for name, kind in config["available_node_types"].items()}


def _get_policy_arns(role: str) -> list[str]:
    """Return the ARNs of the policies of a role, which has no other permissions."""
    iam = boto3.client("iam")
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in attached]


def read_policy(arn: str) -> list[dict[str, Any]]:
    """Return the statements of a policy."""
    iam = boto3.client("iam")
    (version,) = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    content = document["PolicyVersion"]["Document"]
    parsed = json.loads(content) if isinstance(content, str) else content
    return list(parsed["Statement"])


def get_policies() -> dict[str, list[str]]:
    """Return the ARNs of the policies of the user, the head and the workers."""
    policies = boto3.client("iam").list_policies(Scope="Local")["Policies"]
    arns = {policy["PolicyName"]: policy["Arn"] for policy in policies}
    return {
        "user": [arns[f"bloodstudy-{name}"] for name in ("launching", "nodes", "storage")],
        "head": _get_policy_arns("bloodstudy-head"),
        "worker": _get_policy_arns("bloodstudy-worker"),
    }


def find_statements(operator: str, action: str) -> list[dict[str, Any]]:
    """Return the statements that allow the user, the head or the workers an action."""
    statements = [each for arn in get_policies()[operator] for each in read_policy(arn)]
    return [each for each in statements if action in each["Action"]]
