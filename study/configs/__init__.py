"""Configure a study: presets, the search space and checked settings."""
