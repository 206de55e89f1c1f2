"""Splits on the training device."""

import numpy as np
import torch

from bloodnets.data.medmnist import Split
from bloodnets.training.training_state import DeviceSplit

CPU = torch.device("cpu")


def test_from_numpy_read_only_array_is_shared_without_a_warning() -> None:
    images = np.zeros((2, 28, 28, 3), np.uint8)
    images.setflags(write=False)
    split = DeviceSplit.from_numpy(Split(images, np.zeros(2, np.uint8)), CPU)
    assert split.images.data_ptr() == images.ctypes.data
