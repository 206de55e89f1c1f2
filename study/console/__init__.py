"""Terminal output of running and ended studies."""
