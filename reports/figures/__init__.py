"""Data frames to matplotlib figures. Layout only: what is drawn was computed elsewhere."""

from reports.figures.calibration import reliability
from reports.figures.canvas import svg_and_png
from reports.figures.confusion import confusions
from reports.figures.cost import cost
from reports.figures.curves import curves
from reports.figures.difference import difference
from reports.figures.effects import effects
from reports.figures.groups import groups
from reports.figures.halving import halving
from reports.figures.history import expected_best, history
from reports.figures.importances import importances
from reports.figures.scores import scores
from reports.figures.space import parallel, space

__all__ = [
    "confusions",
    "cost",
    "curves",
    "difference",
    "effects",
    "expected_best",
    "groups",
    "halving",
    "history",
    "importances",
    "parallel",
    "reliability",
    "scores",
    "space",
    "svg_and_png",
]
