"""Sections about a search."""
