"""Facts of BloodMNIST and its format that several modules share.

They are those of the package `medmnist` (a test compares them), which is not imported: it imports
PyTorch and torchvision, for which a command would wait for seconds.
"""

SPLITS = ("train", "val", "test")

NUM_CLASSES = 8

IMAGE_SIDE = 28
"""Pixels."""

CHANNELS = 3
"""Red, green, blue."""

CLASS_NAMES = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)
"""Names of the eight classes, in the order of the labels."""

BLOODMNIST_MD5 = "7053d0359d879ad8a5505303e11de1dc"
"""MD5 of the official file of 28 x 28 pixels."""

BLOODMNIST_URL = "https://zenodo.org/records/10519652/files/bloodmnist.npz?download=1"
"""Address of the official file."""
