"""An epoch as MedMNIST's own experiments run it, to measure ours against.

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
    """As torchvision's `ToTensor` and `Normalize([.5], [.5])`: float32 (3, 28, 28), -1 to 1.

    Operation by operation, as torchvision's CPU build cannot always be imported.
    """
    pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))
    pixels = pixels.view(image.height, image.width, 3).permute(2, 0, 1).contiguous()
    scaled = pixels.to(torch.float32).div(255).clone()
    mean, deviation = torch.as_tensor([0.5]), torch.as_tensor([0.5])
    if (deviation == 0).any():
        raise ValueError("a standard deviation is 0")
    return scaled.sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


class Experiment:
    """A model in training by MedMNIST's loop.

    Args:
        model: returns logits.
        optimizer: of its parameters.
        root: folder with a `bloodmnist.npz`.
        batch_size: images a step.
        device: to train on.
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
        """Train and evaluate once; the accuracy on val."""
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
    """PyTorch's own choice of implementation, as in a script that does not ask for another."""
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=learning_rate)
    return torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
