"""The two networks of the published study and a residual network."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own convention

from bloodnets.config import TrialConfig
from bloodnets.data_shape import DataShape


class MLNN(nn.Module):
    """The paper's multi-layer network: two hidden layers, ReLU, dropout after each hidden layer.

    As in the paper, a hidden layer has the mean of the numbers of inputs and classes. For
    BloodMNIST the layers are 2352-1180-1180-8, with 4,179,568 parameters.
    """

    def __init__(self, shape: DataShape, *, dropout: float) -> None:
        super().__init__()
        n_inputs = shape.channels * shape.side**2
        n_hidden = (n_inputs + shape.n_classes) // 2
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, n_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(n_hidden, shape.n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (n, classes), of images, float32 (n, channels, side, side)."""
        # This order matches the memory layout of a channels_last batch, so flattening needs no
        # copy. The order of its inputs does not matter to a fully connected layer.
        logits: Tensor = self.layers(images.permute(0, 2, 3, 1).flatten(1))
        return logits


class CNN(nn.Module):
    """The paper's convolutional network: 3-32-64-128 (3x3, ReLU, 2x2 max-pool), 1152-256-128-8.

    The paper gives the dropout rate but not its position. As in the MLNN, dropout follows each
    hidden fully connected layer. For BloodMNIST the network has 422,344 parameters. Other data
    change the first convolution and the first and the last fully connected layer.
    """

    def __init__(self, shape: DataShape, *, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_make_conv_block(shape.channels, 32),
            *_make_conv_block(32, 64),
            *_make_conv_block(64, 128),
        )
        self.classifier = nn.Sequential(
            nn.Linear(128 * (shape.side // 8) ** 2, 256),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, shape.n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (n, classes), of images, float32 (n, channels, side, side)."""
        logits: Tensor = self.classifier(self.features(images).flatten(1))
        return logits


class ResNet(nn.Module):
    """A small residual network with 3x3 convolutions.

    Three stages work at the full, half and quarter side of the image, each twice as wide as the
    one before. Batch normalization follows every convolution, and each stage is one block of two
    convolutions (He et al., arXiv:1512.03385). Global max-pooling, dropout and one linear layer
    follow. For BloodMNIST the network has 691,448 parameters at width 48 and less than a million up
    to width 57.
    """

    def __init__(self, shape: DataShape, *, width: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_make_normalized_conv(shape.channels, width),
            nn.ReLU(),
            ResidualBlock(width, width),
            ResidualBlock(width, 2 * width, stride=2),
            ResidualBlock(2 * width, 4 * width, stride=2),
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(4 * width, shape.n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (n, classes), of images, float32 (n, channels, side, side)."""
        logits: Tensor = self.classifier(self.dropout(self.features(images).amax((2, 3))))
        return logits


class ResidualBlock(nn.Module):
    """Residual block: two convolutions with batch normalization, and a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_make_normalized_conv(in_channels, out_channels, stride=stride),
            nn.ReLU(),
            *_make_normalized_conv(out_channels, out_channels),
        )
        # Pooling before the 1x1 convolution uses all values (ResNet-D, He et al.,
        # arXiv:1812.01187). The original ResNet has a strided 1x1 convolution. In oneDNN it writes
        # out of bounds with fewer than 16 inputs and several threads (oneDNN issue 6035).
        # The strided convolution rounds an odd side up, so pooling does as well.
        needs_projection = in_channels != out_channels or stride != 1
        self.shortcut = nn.Sequential(
            *(
                (
                    nn.AvgPool2d(stride, ceil_mode=True),
                    *_make_normalized_conv(in_channels, out_channels, 1),
                )
                if needs_projection
                else ()
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """Apply the block to float32 (n, in_channels, side, side).

        Returns:
            Features, float32, shape (n, out_channels, side / stride, side / stride), rounded up.
        """
        return F.relu(self.layers(features) + self.shortcut(features))


def _make_normalized_conv(
    in_channels: int, out_channels: int, kernel_size: int = 3, *, stride: int = 1
) -> tuple[nn.Module, ...]:
    # No bias, because the normalization has one.
    convolution = nn.Conv2d(
        in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=False
    )
    return convolution, nn.BatchNorm2d(out_channels)


class LogSoftmax(nn.LogSoftmax):
    """Log-softmax in float32 for logits of any precision, as `cross_entropy` computes it."""

    def forward(self, logits: Tensor) -> Tensor:
        """Return log-probabilities, float32 (n, classes), of logits (n, classes)."""
        return super().forward(logits.float())


def _make_conv_block(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    # Pooling before ReLU gives the same values and leaves a quarter of the elements for ReLU.
    return nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()


def build_model(config: TrialConfig, shape: DataShape) -> nn.Module:
    """Return a new model, initialized by PyTorch's defaults from its global random state.

    The model returns logits for `cross_entropy` and log-probabilities for `nll`. Both have the
    same parameters and, with the same seed, the same initial values.

    Args:
        config: Configuration of the trial.
        shape: Number of classes, channels and side of the images.
    """
    network: nn.Module
    if config.width is not None:  # only for a resnet
        network = ResNet(shape, width=config.width, dropout=config.dropout)
    else:
        network = {"mlnn": MLNN, "cnn": CNN}[config.family](shape, dropout=config.dropout)
    model = nn.Sequential(network, LogSoftmax(dim=1)) if config.loss == "nll" else network
    # Convolutions are faster if the channels of a pixel are adjacent in memory.
    return model.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_activations(model: nn.Module, shape: DataShape) -> int:
    """Return the number of values that the layers output for one image in a forward pass.

    Args:
        model: Model on the device `meta`, where a forward pass takes neither memory nor time.
        shape: Shape of the data for which the model was built.
    """
    counts: list[int] = []
    model.eval()  # batch normalization of one image is not defined in training mode
    for module in model.modules():
        if not any(module.children()):
            module.register_forward_hook(lambda _, __, output: counts.append(output.numel()))
    model(torch.zeros(1, shape.channels, shape.side, shape.side, device="meta"))
    return sum(counts)


def count_operations(model: nn.Module, shape: DataShape) -> int:
    """Return the floating-point operations of a forward pass for one image, without dropout.

    Only convolutions and matrix products are counted. A multiplication and its addition count as
    two operations. The rest, about 1%, is left out by convention. PyTorch's `FlopCounterMode`
    gives the same number but imports the compiler, which takes 2.4 s in each worker.

    Args:
        model: Model, which is not changed; a copy on the CPU classifies a blank image.
        shape: Shape of the data for which the model was built.
    """
    counts: list[int] = []

    def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            n_inputs = module.in_channels // module.groups * math.prod(module.kernel_size)
        elif isinstance(module, nn.Linear):
            n_inputs = module.in_features
        else:
            return
        counts.append(2 * n_inputs * output.numel())

    copied_model = copy.deepcopy(model).cpu().eval()
    for module in copied_model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        copied_model(torch.zeros(1, shape.channels, shape.side, shape.side))
    return sum(counts)
