"""The command `bloodstudy`: plan a study, run it with Ray Tune, enter its trials in the ledger.

From the options to the report: `cli`, `config`, `grid`, `plan`, `run`, `describe`, `resources`,
`interrupts`, `tuner`, `progress`.
"""
