"""Columns of the tables that compare configurations."""

from reports.format.columns.common import (
    CONFIGURATION_COLUMN,
    make_interval_column,
)
from reports.format.table import Column

_METHOD_COLUMN = Column(key="method", heading=("Loss and", "optimizer"))
_REPLICATES_COLUMN = Column(key="replicates_text", heading=("Replicates",))
_PARAMETERS_COLUMN = Column(
    key="parameters", heading=("Parameters", "(millions)"), unit="millions", is_lower_better=True
)
COMPARISON_COLUMNS = (
    CONFIGURATION_COLUMN,
    # A phone shows the first three columns.
    Column(key="test_macro_f1", heading=("Macro", "F1 (%)"), unit="percent", mark_highest=True),
    Column(key="test_macro_f1", heading=("Macro F1,", "95% CI (%)"), unit="interval"),
    Column(key="group", heading=("Group",)),
    _METHOD_COLUMN,
    _REPLICATES_COLUMN,
    Column(
        key="val_macro_f1",
        heading=("Macro F1", "on val (%)"),
        unit="percent",
        show_sd=False,
        mark_highest=True,
        interval_key="test_macro_f1",
    ),
    Column(
        key="test_weighted_f1", heading=("Weighted", "F1 (%)"), unit="percent", mark_highest=True
    ),
    Column(key="test_accuracy", heading=("Accuracy", "(%)"), unit="percent", mark_highest=True),
    _PARAMETERS_COLUMN,
    Column(
        key="duration_s",
        heading=("Time per", "trial (s)"),
        unit="seconds",
        show_sd=False,
        is_lower_better=True,
    ),
)
CROSS_VALIDATION_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(
        key="val_macro_f1", heading=("Macro F1", "on val (%)"), unit="percent", mark_highest=True
    ),
    Column(key="val_macro_f1", heading=("Macro F1,", "95% CI (%)"), unit="interval"),
    Column(
        key="val_accuracy", heading=("Accuracy", "on val (%)"), unit="percent", mark_highest=True
    ),
    Column(
        key="difference",
        heading=("Difference of F1", "to the best (points)"),
        unit="points",
        show_sd=False,
    ),
    make_interval_column("difference", unit="points_interval"),
    Column(key="replicates", heading=("Replicates",), unit="count"),
)
COST_COLUMNS = (
    Column(key="name", heading=("Configuration", "or method")),
    Column(key="source", heading=("Source",)),
    Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent"),
    make_interval_column("accuracy"),
    _PARAMETERS_COLUMN,
    Column(key="operations", heading=("MFLOP", "per image"), unit="millions", is_lower_better=True),
)
MULTI_STUDY_COLUMNS = (
    Column(key="study", heading=("Study",)),
    Column(key="file", heading=("Data",)),
    Column(key="label", heading=("Configuration",)),
    *(
        column
        for column in COMPARISON_COLUMNS
        if column not in {CONFIGURATION_COLUMN, _METHOD_COLUMN}
    ),
)
INTERVAL_COLUMNS = (
    CONFIGURATION_COLUMN,
    _REPLICATES_COLUMN,
    Column(
        key="test_weighted_f1",
        heading=("Weighted F1,", "95% confidence", "interval (%)"),
        unit="interval",
    ),
    Column(
        key="test_accuracy",
        heading=("Accuracy,", "95% confidence", "interval (%)"),
        unit="interval",
    ),
    Column(
        key="test_macro_precision",
        heading=("Macro", "precision", "(%)"),
        unit="percent",
        mark_highest=True,
    ),
    make_interval_column("test_macro_precision"),
    Column(
        key="test_balanced_accuracy",
        heading=("Balanced", "accuracy", "(%)"),
        unit="percent",
        mark_highest=True,
    ),
    make_interval_column("test_balanced_accuracy"),
    Column(
        key="test_mcc", heading=("MCC", "(\N{MINUS SIGN}1 to 1)"), unit="score", mark_highest=True
    ),
    make_interval_column("test_mcc", unit="score_interval"),
    Column(
        key="test_kappa",
        heading=("Cohen's kappa", "(\N{MINUS SIGN}1 to 1)"),
        unit="score",
        mark_highest=True,
    ),
    make_interval_column("test_kappa", unit="score_interval"),
    Column(key="test_auc", heading=("AUC", "(0 to 1)"), unit="score", mark_highest=True),
    make_interval_column("test_auc", unit="score_interval"),
)
PAIR_COLUMNS = (
    Column(key="a", heading=("A",)),
    Column(key="b", heading=("B",)),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(
        key="difference",
        heading=("A \N{MINUS SIGN} B,", "macro F1", "(points)"),
        unit="points",
        interval_key="interval",
    ),
    make_interval_column("interval", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
    Column(key="p_equivalence_holm", heading=("Equivalence,", "Holm-adjusted", "p"), unit="p"),
    Column(key="result", heading=("Result",)),
    Column(
        key="replicates_needed",
        heading=("Replicates", "needed"),
        unit="count",
        is_lower_better=True,
    ),
    Column(key="images_needed", heading=("Images", "needed"), unit="count", is_lower_better=True),
)
PREDICTION_PAIR_COLUMNS = (
    Column(key="a", heading=("A",)),
    Column(key="b", heading=("B",)),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(key="only_a_correct", heading=("Only A", "correct", "(images)"), unit="mean"),
    Column(key="only_b_correct", heading=("Only B", "correct", "(images)"), unit="mean"),
    Column(key="p_mcnemar_holm", heading=("McNemar,", "Holm-adjusted", "p"), unit="p"),
)
EFFECT_COLUMNS = (
    Column(key="contrast_label", heading=("Comparison",)),
    Column(key="family_label", heading=("Family",)),
    Column(key="pairs", heading=("Pairs", "compared"), unit="count"),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(
        key="difference", heading=("Difference", "(points)"), unit="points", interval_key="interval"
    ),
    make_interval_column("interval", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
)
ABLATION_COLUMNS = (
    Column(key="ingredient", heading=("Removed",)),
    Column(key="score_without", heading=("Macro F1", "without", "it (%)"), unit="percent"),
    Column(
        key="difference",
        heading=("With it minus", "without it", "(points)"),
        unit="points",
        interval_key="interval",
    ),
    make_interval_column("interval", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(key="result", heading=("Result",)),
)
REPRODUCTION_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="published", heading=("Published", "(%)"), unit="percent"),
    Column(
        key="recomputed", heading=("Recomputed", "from published", "matrix (%)"), unit="percent"
    ),
    make_interval_column("recomputed"),
    Column(key="score", heading=("This study", "(%)"), unit="percent"),
    make_interval_column("score"),
    Column(key="prediction_interval", heading=("95% prediction", "interval"), unit="interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
    Column(key="verdict", heading=("Published", "value is"), unit="verdict"),
)
BENCHMARK_COLUMNS = (
    Column(key="method", heading=("Method",)),
    Column(key="resolution", heading=("Resolution", "(pixels)"), unit="count"),
    Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent"),
    Column(key="auc", heading=("AUC", "(0 to 1)"), unit="score"),
)
MEDMNIST_COLUMNS = (
    Column(key="source", heading=("Source",)),
    *BENCHMARK_COLUMNS[:3],
    Column(key="accuracy", heading=("95% confidence", "interval (%)"), unit="interval"),
    BENCHMARK_COLUMNS[3],
    Column(key="auc", heading=("95% confidence", "interval"), unit="score_interval"),
)
REPLICATE_NOISE_COLUMNS = (
    Column(key="cross_entropy", heading=("CrossEntropy", "configuration")),
    Column(key="nll", heading=("NLLLoss", "configuration")),
    Column(
        key="published_cross_entropy", heading=("Published,", "CrossEntropy", "(%)"), unit="percent"
    ),
    Column(key="published_nll", heading=("Published,", "NLLLoss", "(%)"), unit="percent"),
    Column(key="published_difference", heading=("Difference", "(points)"), unit="points"),
    Column(key="replicate_sd", heading=("SD across our", "replicates", "(points)"), unit="percent"),
    Column(key="limit", heading=("95% limit for", "two replicates", "(points)"), unit="percent"),
    Column(key="verdict", heading=("Published", "difference is")),
)
TRAINING_COLUMNS = (
    CONFIGURATION_COLUMN,
    _METHOD_COLUMN,
    _REPLICATES_COLUMN,
    Column(key="best_epoch", heading=("Best epoch",), unit="mean"),
    Column(key="epochs", heading=("Epochs run",), unit="mean"),
    Column(
        key="duration_s", heading=("Time per trial", "(s)"), unit="seconds", is_lower_better=True
    ),
    Column(key="images_per_s", heading=("Images", "per second"), unit="count"),
    Column(key="parameters", heading=("Parameters",), unit="count", is_lower_better=True),
    Column(
        key="operations", heading=("Operations", "per image"), unit="count", is_lower_better=True
    ),
)
EQUIVALENT_LOSS_COLUMNS = (
    Column(key="cross_entropy", heading=("CrossEntropy", "configuration")),
    Column(key="nll", heading=("NLLLoss", "configuration")),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(key="n_predictions", heading=("Predictions", "compared"), unit="count"),
    Column(key="n_differing", heading=("Predictions", "that differ"), unit="count"),
)
