"""Facts of the BloodMNIST format that several modules share."""

SPLITS = ("train", "val", "test")

NUM_CLASSES = 8

IMAGE_SIDE = 28
"""Pixels."""

CHANNELS = 3
"""Red, green, blue."""
