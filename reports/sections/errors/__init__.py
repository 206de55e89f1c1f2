"""Sections about which images a model gets wrong."""
