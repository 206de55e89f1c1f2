"""Sections that compare configurations."""
