"""Checks that every number of a study follows from its stored predictions."""
