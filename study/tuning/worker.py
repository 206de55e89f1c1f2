"""Function that Ray Tune's workers call; the driver imports this module without PyTorch."""

import os
from collections.abc import Mapping

from bloodnets.data.medmnist import BloodCells

RESET_TIMEOUT_S = 60
"""Seconds in which an ended trial must leave its process to the next one; Ray's default is 2.

A busy machine needs longer."""


def run_trial(tune_config: Mapping[str, object], *, cells: BloodCells) -> None:
    """Train one trial; see `bloodnets.trainable.run_trial`.

    Args:
        tune_config: Specification of the trial; see `messages.read_spec`.
        cells: Data from Ray's object store.

    Raises:
        NodeFailureError: The installation of this node is broken.
    """
    os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = str(RESET_TIMEOUT_S)
    try:
        from bloodnets import trainable
    except Exception as error:
        import ray

        from study.runtime.node_failures import NodeFailureError, NodeFailureKind

        raise NodeFailureError(
            kind=NodeFailureKind.START,
            reason=f"{type(error).__name__}: {error}",
            node_id=ray.get_runtime_context().get_node_id(),
            address=ray.util.get_node_ip_address(),
        ) from error
    trainable.run_trial(tune_config, cells=cells)
