"""Run a study with Ray Tune and Optuna, and record each trial in the ledger."""
