"""Failures of nodes and worker processes, which are not the fault of the trial that meets them."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

import ray
from ray.exceptions import RayActorError
from ray.util.placement_group import placement_group

from bloodnets.errors import ResourceError

MAX_START_FAILURES = 3
"""Number of times in a row that worker processes may fail to start on a node before it is avoided.

A process may fail to start once because memory is short."""

NODE_ID_LABEL = "ray.io/node-id"
"""Label that Ray gives to each node, for selectors."""


class NodeFailureKind(StrEnum):
    """Kind of failure of a node or of a process on it.

    Attributes:
        START: A worker process could not start, or cannot import the project.
        REUSE: The process of an ended trial could not take the next one.
        DEATH: The node left the cluster.
    """

    START = "start"
    REUSE = "reuse"
    DEATH = "death"


class NodeFailureError(RayActorError):
    """Failure of a node or a process on it. Tune retries the trial and counts no attempt.

    Tune does not count preemptions, so the error has `preempted` set.

    Attributes:
        kind: Kind of the failure.
        reason: Last line of the message of Ray or of the process.
        node_id: Id of the node, in hexadecimal; None if unknown.
        address: IP address of the node; None if unknown.
    """

    # Exceptions are unpickled without arguments, so each has a default.
    def __init__(
        self,
        *,
        kind: NodeFailureKind = NodeFailureKind.START,
        reason: str = "",
        node_id: str | None = None,
        address: str | None = None,
    ) -> None:
        super().__init__(error_msg=reason, preempted=True)
        self.kind, self.reason, self.node_id, self.address = kind, reason, node_id, address

    def __str__(self) -> str:
        node = self.address or "a node"
        if self.kind is NodeFailureKind.DEATH:
            return f"node {node} left the cluster"
        if self.kind is NodeFailureKind.REUSE:
            return f"worker process on {node} was not ready for the next trial: {self.reason}"
        return f"worker process on {node} did not start: {self.reason}"


class NodeAvoider:
    """Counter of failed starts per node, which reserves nodes where no worker process starts.

    Args:
        resources: Resources of a trial: number of `CPU` and `GPU`.
    """

    def __init__(self, resources: Mapping[str, float]) -> None:
        self._resources = {name: value for name, value in resources.items() if value > 0}
        self._failure_counts: Counter[str] = Counter()
        self._addresses: dict[str, str] = {}
        self._avoided_nodes: set[str] = set()

    def record_success(self, address: str) -> None:
        """Forget the failed starts on a node, because a trial has finished an epoch there."""
        if self._failure_counts:
            for node_id in [key for key, value in self._addresses.items() if value == address]:
                del self._failure_counts[node_id]

    def record_failure(self, error: NodeFailureError) -> None:
        """Count a failed start, and avoid the node from the third in a row on.

        Args:
            error: Failure of any kind; only failed starts are counted.

        Raises:
            ResourceError: No other node has the resources of a trial.
        """
        if error.kind is not NodeFailureKind.START:
            return
        node_id = error.node_id or ""
        self._addresses[node_id] = error.address or ""
        self._failure_counts[node_id] += 1
        if self._failure_counts[node_id] < MAX_START_FAILURES or node_id in self._avoided_nodes:
            return
        self._avoided_nodes.add(node_id)
        usable_nodes = {
            node["NodeID"]: node["Resources"]
            for node in ray.nodes()
            if node["Alive"] and self._count_trials(node["Resources"]) > 0
        }
        if not usable_nodes.keys() - self._avoided_nodes:
            raise ResourceError(str(error), path=error.address)
        for _ in range(self._count_trials(usable_nodes.get(node_id, {}))):
            # Ray has no option to avoid a node. A reservation needs no process on it.
            placement_group([self._resources], bundle_label_selector=[{NODE_ID_LABEL: node_id}])

    def _count_trials(self, node_resources: Mapping[str, float]) -> int:
        """Return how many trials fit on a node."""
        return int(
            min(node_resources.get(key, 0) // value for key, value in self._resources.items())
        )
