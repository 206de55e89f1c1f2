"""Draw data frames as matplotlib figures; the values are computed in `reports.analysis`."""

from reports.figures.calibration import draw_reliability
from reports.figures.canvas import render_png, render_svg, render_svg_and_png
from reports.figures.confusion import draw_confusion_matrices
from reports.figures.cost import draw_cost
from reports.figures.curves import draw_curves
from reports.figures.difference import draw_confusion_difference
from reports.figures.effects import draw_effects
from reports.figures.evidence import draw_evidence
from reports.figures.halving import draw_halving
from reports.figures.history import draw_expected_best, draw_history
from reports.figures.importances import draw_importances
from reports.figures.inline import inline_svg
from reports.figures.marks import MarkedFigure
from reports.figures.ranking import draw_ranking
from reports.figures.roc import draw_class_curves, draw_model_curves
from reports.figures.scores import draw_scores
from reports.figures.space import draw_parallel_coordinates, draw_search_space

__all__ = [
    "MarkedFigure",
    "draw_class_curves",
    "draw_confusion_difference",
    "draw_confusion_matrices",
    "draw_cost",
    "draw_curves",
    "draw_effects",
    "draw_evidence",
    "draw_expected_best",
    "draw_halving",
    "draw_history",
    "draw_importances",
    "draw_model_curves",
    "draw_parallel_coordinates",
    "draw_ranking",
    "draw_reliability",
    "draw_scores",
    "draw_search_space",
    "inline_svg",
    "render_png",
    "render_svg",
    "render_svg_and_png",
]
