"""Function that Ray Tune's workers call; the driver imports this module without PyTorch."""

from collections.abc import Mapping

from bloodnets.data.medmnist import BloodCells


def run_trial(tune_config: Mapping[str, object], *, cells: BloodCells) -> None:
    """Train one trial; see `bloodnets.trainable.run_trial`.

    Args:
        tune_config: Specification of the trial; see `messages.read_spec`.
        cells: Data from Ray's object store.
    """
    from bloodnets import trainable

    trainable.run_trial(tune_config, cells=cells)
