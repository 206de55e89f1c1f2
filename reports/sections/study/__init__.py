"""Sections about the study as a whole: summary, learning curves and how it was run."""
