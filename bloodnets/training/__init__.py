"""The training loop, its optimizers and augmentation, and its checkpoints."""
