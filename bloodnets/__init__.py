"""Classifiers of blood cells: data, models, training and scores."""
