"""Other views of the same cell: turned, mirrored, and moved by a few pixels.

A view is a permutation of pixels, so all of them fit into one table, and a batch of other views is
gathered from memory as fast as the batch itself.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets.constants import IMAGE_SIDE


def make_pixel_permutations(*, dihedral_augmentation: bool, max_shift: int) -> Tensor:
    """Where in an image each pixel of a view comes from.

    What is moved in from outside the image repeats the pixel at its edge.

    Args:
        dihedral_augmentation: the eight of a square, rotations and their mirror images; else the
            one.
        max_shift: pixels, in both directions along both axes; 0 for none.

    Returns:
        int64, (views, 784): a view an orientation and shift, 200 of all eight by up to 2 pixels.
        Values index the 28 x 28 pixels, row by row.
    """
    pixels = torch.arange(IMAGE_SIDE * IMAGE_SIDE).view(IMAGE_SIDE, IMAGE_SIDE)
    oriented_pixels = (
        [torch.rot90(pixels, n_turns) for n_turns in range(4)]
        if dihedral_augmentation
        else [pixels]
    )
    if dihedral_augmentation:
        oriented_pixels += [rotation.T for rotation in oriented_pixels]
    # Padded as float64, which holds each of these whole numbers exactly.
    padded = F.pad(
        torch.stack(oriented_pixels)[:, None].double(), [max_shift] * 4, mode="replicate"
    )
    windows = padded[:, 0].unfold(1, IMAGE_SIDE, 1).unfold(2, IMAGE_SIDE, 1)
    return windows.reshape(-1, IMAGE_SIDE * IMAGE_SIDE).long()


def count_permutations(*, dihedral_augmentation: bool, max_shift: int) -> int:
    """How many rows `make_pixel_permutations` gives."""
    return (8 if dihedral_augmentation else 1) * (2 * max_shift + 1) ** 2
