"""The command `bloodstudy`: plan a study, run it with Ray Tune, enter its trials in the ledger.

From the options to the report: `cli`, `options`, `config`, `grid`, `plan`, `run`, `describe`,
`resume`, `resources`, `interrupts`, `tuner`, `progress`. Commands that only read: `reading`.
"""
