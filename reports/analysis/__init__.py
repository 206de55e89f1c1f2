"""Intervals, tests and comparisons from stored predictions, as data frames."""
