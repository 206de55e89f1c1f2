"""The claims of the paper, each with evidence from a study and a verdict."""
