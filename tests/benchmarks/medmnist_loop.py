"""Epochs as MedMNIST's own experiments run them, as a baseline for ours.

Images come one by one from a `DataLoader` through PIL, the loss is read after each step, and all
three splits are evaluated after each epoch, with accuracy and AUC.
"""

from pathlib import Path

import medmnist
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

SPLITS = ("train", "val", "test")


def to_tensor(image: Image.Image) -> Tensor:
    """Convert an image to float32, shape (3, 28, 28), range -1 to 1.

    Repeats the operations of torchvision's `ToTensor` and `Normalize([0.5], [0.5])`, because
    torchvision's CPU build cannot always be imported.
    """
    pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
    pixels = pixels.view(image.height, image.width, 3).permute(2, 0, 1).contiguous()
    scaled = pixels.to(torch.float32).div(255).clone()
    mean, deviation = torch.as_tensor([0.5]), torch.as_tensor([0.5])
    if (deviation == 0).any():
        raise ValueError("a standard deviation is 0")
    return scaled.sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


class Experiment:
    """Training of a model by MedMNIST's loop.

    Args:
        model: Model that returns logits.
        optimizer: Optimizer of its parameters.
        root: Folder that contains `bloodmnist.npz`.
        batch_size: Number of images per training step.
        device: Device to train on.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        root: Path,
        batch_size: int,
        device: torch.device,
    ) -> None:
        self.model, self.optimizer, self.device = model, optimizer, device
        self.loss = nn.CrossEntropyLoss()
        data = {
            split: medmnist.BloodMNIST(split=split, transform=to_tensor, root=str(root))
            for split in SPLITS
        }
        self.train_loader = DataLoader(data["train"], batch_size=batch_size, shuffle=True)
        self.loaders = {
            split: DataLoader(data[split], batch_size=2 * batch_size) for split in SPLITS
        }
        self.evaluators = {
            split: medmnist.Evaluator("bloodmnist", split, root=str(root)) for split in SPLITS
        }

    def run_epoch(self) -> float:
        """Train for one epoch, evaluate all splits, and return the accuracy on val."""
        self.model.train()
        losses = []
        for images, labels in self.train_loader:
            self.optimizer.zero_grad()
            outputs = self.model(images.to(self.device))
            loss = self.loss(outputs, labels.squeeze(1).long().to(self.device))
            losses.append(loss.item())
            loss.backward()
            self.optimizer.step()
        results = {
            split: self.evaluators[split].evaluate(self._compute_scores(split)) for split in SPLITS
        }
        return float(results["val"].ACC)

    @torch.no_grad()
    def _compute_scores(self, split: str) -> NDArray[np.float32]:
        self.model.eval()
        losses, scores = [], torch.tensor([]).to(self.device)
        for images, labels in self.loaders[split]:
            outputs = self.model(images.to(self.device))
            losses.append(self.loss(outputs, labels.squeeze(1).long().to(self.device)).item())
            scores = torch.cat((scores, outputs.softmax(1)))
        values: NDArray[np.float32] = scores.cpu().numpy()
        return values


def make_torch_optimizer(
    model: nn.Module, name: str, learning_rate: float
) -> torch.optim.Optimizer:
    """Return an optimizer with PyTorch's default implementation."""
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=learning_rate)
    return torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
