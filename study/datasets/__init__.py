"""Find, load and describe a study's data."""
