"""Weight the classes in the training loss."""

import torch
from torch import Tensor


def compute_balanced_weights(labels: Tensor, n_classes: int) -> Tensor:
    """Return weights that are inversely proportional to the number of images of each class.

    The weight of a class with n_c of n images is n / (k n_c), where k is the number of classes with
    an image (King and Zeng, 2001; `balanced` in scikit-learn). A class without an image has weight
    0. PyTorch divides the loss of a batch by the sum of its weights, so their scale has no effect.

    Args:
        labels: Classes of the training images, int64, shape (n,), 0 to `n_classes - 1`.
        n_classes: Number of classes, at least 1.

    Returns:
        Weights, float32, shape (n_classes,), at least 0, on the device of `labels`.
    """
    counts = torch.bincount(labels.cpu(), minlength=n_classes)
    n_present = int(torch.count_nonzero(counts))
    weights = len(labels) / (n_present * counts.double())
    return weights.where(counts > 0, 0.0).float().to(labels.device)
