"""Ray, its nodes and resources, the study's lock, and signals."""
