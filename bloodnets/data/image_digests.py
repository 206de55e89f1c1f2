"""Recognize images by their pixels."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def compute_image_digests(images: NDArray[np.uint8]) -> list[bytes]:
    """Return the SHA-256 of each image's pixels, 32 bytes.

    This takes 0.2 s for BloodMNIST's 17,092 images.

    Args:
        images: Pixels, uint8, shape (n, side, side, channels).
    """
    return [hashlib.sha256(image).digest() for image in np.ascontiguousarray(images)]
