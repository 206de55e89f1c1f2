"""Test that the policies in docs/aws/rights.yaml allow only what Ray requests for cluster.yaml."""

import json
from fnmatch import fnmatchcase

import pytest

from tests.helpers.aws import (
    BUCKET,
    REGION,
    find_statements,
    get_node_configs,
    get_policies,
    read_aws_cluster_file,
    read_policy,
)


def test_aws_rights_are_minimal(stack: str) -> None:
    actions = {}
    for operator, arns in get_policies().items():
        statements = [statement for arn in arns for statement in read_policy(arn)]
        for statement in statements:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in statement["Action"])
            if statement["Resource"] == "*":
                assert all(action.startswith("ec2:Describe") for action in statement["Action"])
            assert "${" not in json.dumps(statement)
        actions[operator] = {action for each in statements for action in each["Action"]}
    assert actions["worker"] == {
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
        "s3:ListBucket",
    }  # fmt: skip
    assert not {action for action in actions["head"] if action.startswith("ec2:Create")} - {
        "ec2:CreateTags"
    }
    (lists,) = find_statements("worker", "s3:ListBucket")
    assert lists["Resource"] == f"arn:aws:s3:::{BUCKET}"
    assert lists["Condition"] == {"StringLike": {"s3:prefix": ["studies", "studies/*"]}}


@pytest.mark.parametrize("operator", ["user", "head"])
def test_aws_instances_of_other_clusters_are_safe(stack: str, operator: str) -> None:
    tag = "aws:ResourceTag/ray-cluster-name"
    (terminates,) = find_statements(operator, "ec2:TerminateInstances")
    assert terminates["Condition"]["StringEquals"] == {tag: "bloodstudy"}
    for statement in find_statements(operator, "ec2:CreateTags"):
        assert statement["Condition"]["StringEquals"] in (
            {tag: "bloodstudy"},
            {"ec2:CreateAction": "RunInstances"},
        )


@pytest.mark.parametrize(("operator", "node"), [("user", "head"), ("head", "worker")])
def test_aws_instance_types_and_roles_are_those_of_cluster_yaml(
    stack: str, operator: str, node: str
) -> None:
    written = read_aws_cluster_file()
    types = {
        config["InstanceType"]
        for name, config in get_node_configs(written).items()
        if (name == "head") == (node == "head")
    }
    runs = find_statements(operator, "ec2:RunInstances")
    (starts,) = (each for each in runs if "Condition" in each)
    assert starts["Resource"].endswith(":instance/*")
    conditions = starts["Condition"]["StringEquals"]
    assert conditions["aws:RequestTag/ray-cluster-name"] == written["cluster_name"]
    assert {*conditions["ec2:InstanceType"]} == types
    (parts,) = (each for each in runs if "Condition" not in each)
    (key_pattern,) = (part for part in parts["Resource"] if ":key-pair/" in part)
    assert fnmatchcase(f"ray-autoscaler_{REGION}", key_pattern.split("/")[-1])
    (passes,) = find_statements(operator, "iam:PassRole")
    assert passes["Resource"].endswith(f":role/bloodstudy-{node}")
