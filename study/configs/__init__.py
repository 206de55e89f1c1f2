"""What a study is asked to do: presets, the search space, and checked settings."""
