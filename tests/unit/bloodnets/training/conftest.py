"""Images for tests of training."""

import pytest
import torch

from bloodnets.data.medmnist import Split
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.training.training_state import DeviceSplit


@pytest.fixture(scope="module")
def splits() -> dict[str, DeviceSplit]:
    """Return a few synthetic cells of train and val on the CPU."""
    arrays = generate_synthetic_arrays(scale=0.01)
    return {
        name: DeviceSplit.from_numpy(
            Split(arrays[f"{name}_images"], arrays[f"{name}_labels"][:, 0]), torch.device("cpu")
        )
        for name in ("train", "val")
    }
