"""Images: the MedMNIST format, its download, synthetic cells, and image files."""
