"""Sections about the images that a model misclassifies."""
