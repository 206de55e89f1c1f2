"""Splits of a data file, classes of BloodMNIST and of synthetic cells, and orientations."""

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

N_ORIENTATIONS = 8
"""Orientations of a square image: rotations by 90 degrees, and their mirror images."""
