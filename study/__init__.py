"""The command `bloodstudy`: plan a study, run it with Ray Tune, enter its trials in the ledger.

Public modules: `config`, `grid`, `tuner`, `resources`, `progress`, `cli`.
"""
