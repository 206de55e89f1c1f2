"""Run a study with Ray Tune and Optuna, and enter each trial in the ledger."""
