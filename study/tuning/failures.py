"""Reasons why attempts at trials failed, and failures that are not the trials' fault."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from ray.tune.experiment import Trial

from bloodnets.errors import ResourceError
from bloodnets.messages import TrialFailure
from study.runtime.node_failures import NodeAvoider, NodeFailureError
from study.runtime.out_of_memory import count_kernel_kills, describe_failure
from study.runtime.tune_internals import load_trial_error

MAX_NODE_FAILURES = 10
"""Number of failures of nodes that end the command, if one trial meets them without an epoch.

They cost the trial no attempt, but the trial may be what makes its nodes fail."""


class FailureTracker:
    """Tracker that describes failed attempts and counts those that a node caused.

    Args:
        trial_resources: Resources of a trial: number of `CPU` and `GPU`.

    Attributes:
        node_failure_counts: Number of failures of nodes, by id of the trial that met them, since
            its last epoch.
    """

    def __init__(self, trial_resources: Mapping[str, float]) -> None:
        self._trial_resources = trial_resources
        self.node_failure_counts: Counter[str] = Counter()
        self._kernel_kill_count = count_kernel_kills()

    @cached_property
    def _node_avoider(self) -> NodeAvoider:
        return NodeAvoider(self._trial_resources)

    def describe(self, trial: Trial, reported: TrialFailure | None) -> str:
        """Return the reason why the last attempt at a trial failed.

        Args:
            trial: Trial of Ray Tune.
            reported: Failure that its worker reported; None if it reported none.
        """
        kill_count = count_kernel_kills()
        killed_by_kernel, self._kernel_kill_count = kill_count > self._kernel_kill_count, kill_count
        if reported is not None:
            return str(reported)
        return describe_failure(trial, killed_by_kernel=killed_by_kernel)

    def check_node(self, trial_id: str, trial: Trial) -> None:
        """Count the last failure of a trial if a node caused it.

        Args:
            trial_id: Id of the trial.
            trial: Trial of Ray Tune.

        Raises:
            ResourceError: The trial or all nodes have failed too often.
        """
        error = load_trial_error(trial)
        if not isinstance(error, NodeFailureError):
            return
        self.node_failure_counts[trial_id] += 1
        if self.node_failure_counts[trial_id] == MAX_NODE_FAILURES:
            raise ResourceError(
                f"{trial_id} met {MAX_NODE_FAILURES} failures without finishing an epoch: {error}",
                path=error.address,
                value=MAX_NODE_FAILURES,
            )
        self._node_avoider.record_failure(error)

    def record_epoch(self, trial_id: str, address: str) -> None:
        """Forget the failures that a trial met, and those on its node.

        Args:
            trial_id: Id of a trial that has finished an epoch.
            address: IP address of its node.
        """
        del self.node_failure_counts[trial_id]
        self._node_avoider.record_success(address)
