"""Write the runs of a study for experiment trackers: TensorBoard and MLflow."""
