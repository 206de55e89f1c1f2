"""Other views of the same cell: turned, mirrored, and moved by a few pixels.

A view is a permutation of pixels, so all of them fit into one table, and a batch of other views is
gathered from memory as fast as the batch itself.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets.constants import IMAGE_SIDE


def views(*, orientations: bool, shift: int) -> Tensor:
    """Where in an image each pixel of a view comes from.

    What is moved in from outside the image repeats the pixel at its edge.

    Args:
        orientations: the eight of a square, rotations and their mirror images; else the one.
        shift: pixels, in both directions along both axes; 0 for none.

    Returns:
        int64, (views, 784): a view an orientation and shift, 200 of all eight by up to 2 pixels.
        Values index the 28 x 28 pixels, row by row.
    """
    pixels = torch.arange(IMAGE_SIDE * IMAGE_SIDE).view(IMAGE_SIDE, IMAGE_SIDE)
    turned = [torch.rot90(pixels, turns) for turns in range(4)] if orientations else [pixels]
    if orientations:
        turned += [turn.T for turn in turned]
    # Padded as float64, which holds each of these whole numbers exactly.
    padded = F.pad(torch.stack(turned)[:, None].double(), [shift] * 4, mode="replicate")
    windows = padded[:, 0].unfold(1, IMAGE_SIDE, 1).unfold(2, IMAGE_SIDE, 1)
    return windows.reshape(-1, IMAGE_SIDE * IMAGE_SIDE).long()


def count_views(*, orientations: bool, shift: int) -> int:
    """How many rows `views` gives."""
    return (8 if orientations else 1) * (2 * shift + 1) ** 2
