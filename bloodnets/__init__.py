"""Classifiers of blood cells: data, models, training, scores.

Public modules: `errors`, `config`, `data`, `download`, `rendered`, `models`, `metrics`, `training`,
`checkpoint` and `trainable` (the one that knows Ray). Nothing is imported here, so that
`bloodnets.metrics` can be used without torch.
"""
