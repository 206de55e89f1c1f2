"""Splits of a data file, and the classes of BloodMNIST and of synthetic cells."""

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
