"""The columns of the report's tables: which, in what order, under what heading and unit."""

from reports.typeset import Column

CONFIGURATION = Column(key="configuration", head=("Configuration",))
METHOD = Column(key="method", head=("Loss and", "optimizer"))
SEEDS = Column(key="seeds_text", head=("Seeds",))
COMPARISON = (
    CONFIGURATION,
    METHOD,
    SEEDS,
    Column(key="test_accuracy", head=("Accuracy", "(%)"), unit="percent"),
    Column(key="test_macro_f1", head=("Macro", "F1 (%)"), unit="percent"),
    Column(key="test_weighted_f1", head=("Weighted", "F1 (%)"), unit="percent"),
    Column(key="test_macro_precision", head=("Macro", "precision", "(%)"), unit="percent"),
    Column(key="test_auc", head=("AUC", "(0 to 1)"), unit="score"),
)
PUBLISHED = (
    Column(key="published_weighted_f1", head=("Published", "weighted", "F1 (%)"), unit="percent"),
    Column(key="published_accuracy", head=("Published", "accuracy", "(%)"), unit="percent"),
    Column(key="published_macro_f1", head=("Published", "macro", "F1 (%)"), unit="percent"),
)
EFFORT = (
    CONFIGURATION,
    METHOD,
    SEEDS,
    Column(key="best_epoch", head=("Best epoch",), unit="mean"),
    Column(key="epochs", head=("Epochs run",), unit="mean"),
    Column(key="duration_s", head=("Time of a trial", "(s)"), unit="seconds"),
    Column(key="parameters", head=("Parameters",), unit="count"),
)
PER_CLASS = (
    CONFIGURATION,
    Column(key="label", head=("Class",)),
    Column(key="precision", head=("Precision", "(%)"), unit="percent"),
    Column(key="recall", head=("Recall", "(%)"), unit="percent"),
    Column(key="f1", head=("F1", "(%)"), unit="percent"),
    Column(key="support", head=("Support", "(test images)"), unit="count"),
)
TWINS = (
    Column(key="cross_entropy", head=("CrossEntropy",)),
    Column(key="nll", head=("NLLLoss",)),
    Column(key="seeds", head=("Seeds",), unit="count"),
    Column(key="predictions", head=("Predictions", "compared"), unit="count"),
    Column(key="differing", head=("Differing",), unit="count"),
)
UNFINISHED = (
    CONFIGURATION,
    Column(key="seed", head=("Seed",), unit="setting"),
    Column(key="status", head=("Status",)),
    Column(key="epochs", head=("Epochs run",), unit="count"),
    Column(key="attempts", head=("Attempts",), unit="count"),
    Column(key="reason", head=("Reason",)),
)
SETTINGS = (
    CONFIGURATION,
    Column(key="family", head=("Family",)),
    Column(key="loss", head=("Loss",)),
    Column(key="optimizer", head=("Optimizer",)),
    Column(key="learning_rate", head=("Learning rate",), unit="setting"),
    Column(key="momentum", head=("Momentum",), unit="setting"),
    Column(key="dropout", head=("Dropout",), unit="setting"),
)
