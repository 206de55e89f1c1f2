"""Columns of the report's tables, with their order, headings and units."""

from reports.format.table import Column
from reports.format.units import Unit


def _interval_column(key: str, *, unit: Unit = "interval", is_lower_better: bool = False) -> Column:
    heading = ("95% confidence", "interval")
    return Column(key=key, heading=heading, unit=unit, is_lower_better=is_lower_better)


CONFIGURATION_COLUMN = Column(key="configuration", heading=("Configuration",))
METHOD_COLUMN = Column(key="method", heading=("Loss and", "optimizer"))
SEEDS_COLUMN = Column(key="seeds_text", heading=("Seeds",))
GROUP_COLUMN = Column(key="group", heading=("Group",))
SIZE_AND_SPEED_COLUMNS = (
    Column(
        key="parameters",
        heading=("Parameters", "(millions)"),
        unit="millions",
        is_lower_better=True,
    ),
    Column(key="operations", heading=("MFLOP", "per image"), unit="millions", is_lower_better=True),
    Column(
        key="duration_s",
        heading=("Time per", "trial (s)"),
        unit="seconds",
        show_sd=False,
        is_lower_better=True,
    ),
    Column(key="images_per_s", heading=("Images", "per s"), unit="count", show_sd=False),
)
COMPARISON_COLUMNS = (
    CONFIGURATION_COLUMN,
    # A phone shows the first three columns.
    Column(key="test_macro_f1", heading=("Macro", "F1 (%)"), unit="percent", mark_highest=True),
    Column(key="test_macro_f1", heading=("Macro F1,", "95% CI (%)"), unit="interval"),
    GROUP_COLUMN,
    METHOD_COLUMN,
    SEEDS_COLUMN,
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
    SIZE_AND_SPEED_COLUMNS[0],
    SIZE_AND_SPEED_COLUMNS[2],
)
COST_COLUMNS = (
    Column(key="name", heading=("Configuration", "or method")),
    Column(key="source", heading=("Source",)),
    Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent"),
    _interval_column("accuracy"),
    *SIZE_AND_SPEED_COLUMNS[:2],
)
MULTI_STUDY_COLUMNS = (
    Column(key="study", heading=("Study",)),
    Column(key="file", heading=("Data",)),
    Column(key="label", heading=("Configuration",)),
    *(
        column
        for column in COMPARISON_COLUMNS
        if column not in {CONFIGURATION_COLUMN, METHOD_COLUMN}
    ),
)
INTERVAL_COLUMNS = (
    CONFIGURATION_COLUMN,
    SEEDS_COLUMN,
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
    _interval_column("test_macro_precision"),
    Column(
        key="test_balanced_accuracy",
        heading=("Balanced", "accuracy", "(%)"),
        unit="percent",
        mark_highest=True,
    ),
    _interval_column("test_balanced_accuracy"),
    Column(
        key="test_mcc", heading=("MCC", "(\N{MINUS SIGN}1 to 1)"), unit="score", mark_highest=True
    ),
    _interval_column("test_mcc", unit="score_interval"),
    Column(
        key="test_kappa",
        heading=("Cohen's kappa", "(\N{MINUS SIGN}1 to 1)"),
        unit="score",
        mark_highest=True,
    ),
    _interval_column("test_kappa", unit="score_interval"),
    Column(key="test_auc", heading=("AUC", "(0 to 1)"), unit="score", mark_highest=True),
    _interval_column("test_auc", unit="score_interval"),
)
PAIR_COLUMNS = (
    Column(key="a", heading=("A",)),
    Column(key="b", heading=("B",)),
    Column(key="seeds", heading=("Seeds",), unit="count"),
    Column(
        key="difference",
        heading=("A \N{MINUS SIGN} B,", "macro F1", "(points)"),
        unit="points",
        interval_key="interval",
    ),
    _interval_column("interval", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
    Column(key="p_equivalence_holm", heading=("Equivalence,", "Holm-adjusted", "p"), unit="p"),
    Column(key="result", heading=("Result",)),
    Column(key="seeds_needed", heading=("Seeds", "needed"), unit="count", is_lower_better=True),
    Column(key="images_needed", heading=("Images", "needed"), unit="count", is_lower_better=True),
    Column(key="only_a_correct", heading=("Only A", "correct", "(images)"), unit="mean"),
    Column(key="only_b_correct", heading=("Only B", "correct", "(images)"), unit="mean"),
    Column(key="p_mcnemar_holm", heading=("McNemar,", "Holm-adjusted", "p"), unit="p"),
)
EFFECT_COLUMNS = (
    Column(key="contrast_label", heading=("Comparison",)),
    Column(key="family_label", heading=("Family",)),
    Column(key="pairs", heading=("Pairs", "compared"), unit="count"),
    Column(key="seeds", heading=("Seeds",), unit="count"),
    Column(
        key="difference", heading=("Difference", "(points)"), unit="points", interval_key="interval"
    ),
    _interval_column("interval", unit="points_interval"),
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
    _interval_column("interval", unit="points_interval"),
    Column(key="p_holm", heading=("Holm-adjusted", "p"), unit="p"),
    Column(key="seeds", heading=("Seeds",), unit="count"),
    Column(key="result", heading=("Result",)),
)
REPRODUCTION_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="published", heading=("Published", "(%)"), unit="percent"),
    Column(
        key="recomputed", heading=("Recomputed", "from published", "matrix (%)"), unit="percent"
    ),
    _interval_column("recomputed"),
    Column(key="score", heading=("This study", "(%)"), unit="percent"),
    _interval_column("score"),
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
SEED_NOISE_COLUMNS = (
    Column(key="cross_entropy", heading=("CrossEntropy", "configuration")),
    Column(key="nll", heading=("NLLLoss", "configuration")),
    Column(
        key="published_cross_entropy", heading=("Published,", "CrossEntropy", "(%)"), unit="percent"
    ),
    Column(key="published_nll", heading=("Published,", "NLLLoss", "(%)"), unit="percent"),
    Column(key="published_difference", heading=("Difference", "(points)"), unit="points"),
    Column(key="seed_sd", heading=("SD across", "our seeds", "(points)"), unit="percent"),
    Column(key="limit", heading=("95% limit for", "two seeds", "(points)"), unit="percent"),
    Column(key="verdict", heading=("Published", "difference is")),
)
TRAINING_COLUMNS = (
    CONFIGURATION_COLUMN,
    METHOD_COLUMN,
    SEEDS_COLUMN,
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
CLASS_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="class_label", heading=("Class",)),
    Column(key="precision", heading=("Precision", "(PPV, %)"), unit="percent"),
    _interval_column("precision"),
    Column(key="recall", heading=("Recall", "(sensitivity, %)"), unit="percent"),
    _interval_column("recall"),
    Column(key="f1", heading=("F1", "(%)"), unit="percent"),
    _interval_column("f1"),
    Column(key="support", heading=("Support", "(test images)"), unit="count"),
    Column(key="note", heading=("Note",)),
)
MORE_CLASS_COLUMNS = (
    *CLASS_COLUMNS[:2],
    Column(key="specificity", heading=("Specificity", "(%)"), unit="percent"),
    _interval_column("specificity"),
    Column(key="npv", heading=("NPV", "(%)"), unit="percent"),
    _interval_column("npv"),
    Column(key="auc", heading=("AUC, class", "against rest"), unit="score"),
    _interval_column("auc", unit="score_interval"),
    Column(key="average_precision", heading=("Average", "precision"), unit="score"),
    _interval_column("average_precision", unit="score_interval"),
    *CLASS_COLUMNS[-2:],
)
PROBABILITY_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="slope", heading=("Calibration", "slope"), unit="score", show_sd=False),
    _interval_column("slope", unit="score_interval"),
    Column(key="intercept", heading=("Calibration", "intercept"), unit="score", show_sd=False),
    Column(
        key="test_brier",
        heading=("Brier score", "(0 to 2)"),
        unit="score",
        show_sd=False,
        is_lower_better=True,
    ),
    _interval_column("test_brier", unit="score_interval", is_lower_better=True),
    Column(
        key="test_log_loss",
        heading=("Log loss", "(nats)"),
        unit="score",
        show_sd=False,
        is_lower_better=True,
    ),
    _interval_column("test_log_loss", unit="score_interval", is_lower_better=True),
)
EQUIVALENT_LOSS_COLUMNS = (
    Column(key="cross_entropy", heading=("CrossEntropy", "configuration")),
    Column(key="nll", heading=("NLLLoss", "configuration")),
    Column(key="seeds", heading=("Seeds",), unit="count"),
    Column(key="n_predictions", heading=("Predictions", "compared"), unit="count"),
    Column(key="n_differing", heading=("Predictions", "that differ"), unit="count"),
)
UNFINISHED_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="seed", heading=("Seed",), unit="setting"),
    Column(key="state", heading=("State",)),
    Column(key="epochs", heading=("Epochs run",), unit="count"),
    Column(key="attempts", heading=("Attempts",), unit="count"),
    Column(key="reason", heading=("Reason",), unit="prose"),
)
SETTING_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="family", heading=("Family",), unit="word"),
    Column(key="loss", heading=("Loss",), unit="word"),
    Column(key="optimizer", heading=("Optimizer",), unit="word"),
    Column(key="learning_rate", heading=("Learning rate",), unit="setting"),
    Column(key="momentum", heading=("Momentum",), unit="setting"),
    Column(key="dropout", heading=("Dropout",), unit="setting"),
)
EXTRA_SETTING_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="width", heading=("Width",), unit="setting"),
    Column(key="weight_decay", heading=("Weight", "decay"), unit="setting"),
    Column(key="label_smoothing", heading=("Label", "smoothing"), unit="setting"),
    Column(key="dihedral_augmentation", heading=("Dihedral", "augmentation"), unit="word"),
    Column(key="max_shift", heading=("Maximum", "shift (pixels)"), unit="setting"),
    Column(key="schedule", heading=("Learning rate", "schedule"), unit="word"),
    Column(key="batch_size", heading=("Batch", "size"), unit="setting"),
    Column(key="max_epochs", heading=("Maximum", "epochs"), unit="setting"),
    Column(key="patience", heading=("Patience", "(epochs)"), unit="setting"),
)
CONFIRMATION_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="settings", heading=("Settings",), unit="prose"),
    Column(key="origin_label", heading=("Origin",)),
    Column(
        key="value", heading=("Search,", "val (%)"), unit="percent", interval_key="test_macro_f1"
    ),
    Column(key="seeds_text", heading=("Seeds",)),
    Column(
        key="val_macro_f1",
        heading=("Re-trained,", "val (%)"),
        unit="percent",
        interval_key="test_macro_f1",
    ),
    Column(key="shrinkage", heading=("Shrinkage", "(points)"), unit="points"),
    _interval_column("shrinkage", unit="points_interval"),
    Column(key="test_macro_f1", heading=("Re-trained,", "test (%)"), unit="percent"),
    _interval_column("test_macro_f1"),
)
SEARCH_EFFORT_COLUMNS = (
    Column(key="state", heading=("State",)),
    Column(key="trials", heading=("Trials",), unit="count"),
    Column(key="epochs", heading=("Epochs", "trained"), unit="count"),
    Column(key="full_epochs", heading=("Epochs without", "pruning"), unit="count"),
    Column(key="speedup", heading=("Speedup", "by pruning"), unit="seconds"),
    Column(
        key="duration_min",
        heading=("Time of all", "trials (min)"),
        unit="seconds",
        is_lower_better=True,
    ),
)
IMPORTANCE_COLUMNS = (
    Column(key="trial_group", heading=("Trial group",)),
    Column(key="rung", heading=("After", "epoch"), unit="count"),
    Column(key="trials", heading=("Trials",), unit="count"),
    Column(key="setting_text", heading=("Hyper-parameter",)),
    Column(key="importance", heading=("Importance", "(%)"), unit="percent"),
    Column(key="importance", heading=("90% confidence", "interval"), unit="interval"),
    Column(
        key="importance_null",
        heading=("Largest", "without", "effect (%)"),
        unit="percent",
        interval_key="importance",
    ),
)
PROPOSAL_COLUMNS = (
    Column(key="number", heading=("Trial",), unit="setting"),
    Column(key="configuration", heading=("Configuration",)),
    Column(key="state", heading=("State",)),
    Column(key="value", heading=("Best macro F1", "on val (%)"), unit="percent"),
    Column(key="epochs", heading=("Epochs", "run"), unit="count"),
    Column(key="best_epoch", heading=("Best", "epoch"), unit="count"),
    Column(key="duration_s", heading=("Time", "(s)"), unit="seconds", is_lower_better=True),
    Column(key="family", heading=("Family",), unit="word"),
    Column(key="optimizer", heading=("Optimizer",), unit="word"),
    Column(key="learning_rate", heading=("Learning", "rate"), unit="rate"),
    Column(key="momentum", heading=("Momentum",), unit="share"),
    Column(key="dropout", heading=("Dropout",), unit="share"),
    Column(key="weight_decay", heading=("Weight", "decay"), unit="rate"),
    Column(key="label_smoothing", heading=("Label", "smoothing"), unit="share"),
    Column(key="width", heading=("Width",), unit="count"),
)
