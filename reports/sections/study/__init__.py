"""Sections about the study as a whole: its summary, its curves and how it was run."""
