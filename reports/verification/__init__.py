"""Recompute every number of a study from its stored predictions."""
