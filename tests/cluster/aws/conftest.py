"""Fixtures of the tests for AWS: moto's server, the stack of permissions and the cluster file."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.helpers.aws import create_stack, fill_cluster_file, make_aws_env, serve_aws


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """Yield the URL of moto's server, always the same, because Ray caches AWS's clients."""
    with serve_aws() as url:
        yield url


@pytest.fixture(scope="module")
def aws(aws_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make moto's server, emptied, AWS for this process, with a temporary home for keys."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in make_aws_env(aws_url, tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def stack(aws: None) -> str:
    """Create the stack of permissions, and return the id of its security group."""
    return create_stack()


@pytest.fixture(scope="module")
def resolved(stack: str) -> dict[str, Any]:
    """Return cluster.yaml as `ray up` sends it to the head: completed, checked and resolved."""
    from ray.autoscaler.sdk import bootstrap_config

    text = fill_cluster_file(stack)
    config: dict[str, Any] = bootstrap_config(yaml.safe_load(text), no_config_cache=True)
    return config
