"""The command `bloodstudy`: plan, run, resume and use studies, with Ray Tune and Optuna."""
