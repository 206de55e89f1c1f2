"""Use a study's trials: select a model, predict, export, replay."""
