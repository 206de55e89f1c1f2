"""Augment images: rotations, mirror images and shifts by a few pixels.

A view is defined by the source of each of its pixels, so one table holds all views. Gathering a
batch of views from memory is as fast as gathering the images themselves.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention


def make_pixel_permutations(side: int, *, dihedral_augmentation: bool, max_shift: int) -> Tensor:
    """Return the source of each pixel for every view.

    Pixels shifted in from outside the image repeat the pixel at its edge.

    Args:
        side: Height and width of an image in pixels.
        dihedral_augmentation: Whether to include all eight orientations of a square (rotations and
            their mirror images), or only the original one.
        max_shift: Maximum shift in pixels, in both directions along both axes; 0 for none.

    Returns:
        Indices of the pixels, row by row, int64, shape (views, side * side). Each view is one
        orientation and one shift; all eight orientations with up to 2 pixels give 200 views.
    """
    pixels = torch.arange(side * side).view(side, side)
    oriented_pixels = (
        [torch.rot90(pixels, n_turns) for n_turns in range(4)]
        if dihedral_augmentation
        else [pixels]
    )
    if dihedral_augmentation:
        oriented_pixels += [rotation.T for rotation in oriented_pixels]
    # Padded as float64, which represents each of these integers exactly.
    padded = F.pad(
        torch.stack(oriented_pixels)[:, None].double(), [max_shift] * 4, mode="replicate"
    )
    windows = padded[:, 0].unfold(1, side, 1).unfold(2, side, 1)
    return windows.reshape(-1, side * side).long()


def count_permutations(*, dihedral_augmentation: bool, max_shift: int) -> int:
    """Return the number of views from `make_pixel_permutations`."""
    return (8 if dihedral_augmentation else 1) * (2 * max_shift + 1) ** 2
