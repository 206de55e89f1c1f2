"""Show which positions of an image contribute to the logit of a class.

Global max-pooling makes this exact for a `ResNet`: each feature has the value of one known
position. An `MLNN` or a `CNN` mixes all positions in several layers, so it has no such map.
"""

import torch
from torch import Tensor

from bloodnets.models import ResNet

PIXELS_PER_POSITION = 4
"""Height and width in pixels of a position of the last feature map: two stages halve the image."""


@torch.no_grad()
def compute_contributions(network: ResNet, images: Tensor, classes: Tensor) -> Tensor:
    """Return the contribution of each position of the last feature map to the logit of a class.

    The sum over the positions, plus the bias of the class, is the logit. Positions that share the
    highest value of a feature share its contribution.

    Args:
        network: Trained network, in evaluation mode.
        images: Pixels, float32, shape (n, channels, side, side), as in `ResNet.forward`.
        classes: Class to explain for each image, int64, shape (n,).

    Returns:
        Contributions, float32, shape (n, side / 4, side / 4), rounded up. Negative ones lower the
        logit.
    """
    features = network.features(images)
    maxima = features.amax((2, 3), keepdim=True)
    is_maximum = (features == maxima).to(features.dtype)
    shares = is_maximum / is_maximum.sum((2, 3), keepdim=True)
    feature_contributions = network.classifier.weight[classes] * maxima[:, :, 0, 0]
    return torch.einsum("nf,nfhw->nhw", feature_contributions, shares)
