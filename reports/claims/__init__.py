"""The claims of the published study, and what a study's numbers say about each."""
