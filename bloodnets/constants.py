"""Constants of BloodMNIST and its file format.

A test checks that they match the package `medmnist`. The package is not imported here because it
imports PyTorch and torchvision, which takes seconds.
"""

SPLITS = ("train", "val", "test")

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
"""MD5 of the official file with images of 28 x 28 pixels."""

BLOODMNIST_URL = "https://zenodo.org/records/10519652/files/bloodmnist.npz?download=1"
"""URL of the official file."""
