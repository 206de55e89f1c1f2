"""The columns of the report's tables: which, in what order, under what heading and unit."""

from reports.format.table import Column

CONFIGURATION = Column(key="configuration", head=("Configuration",))
METHOD = Column(key="method", head=("Loss and", "optimizer"))
SEEDS = Column(key="seeds_text", head=("Seeds",))
GROUP = Column(key="group", head=("Group",))
COST = (
    Column(key="parameters", head=("Parameters", "(millions)"), unit="millions"),
    Column(key="operations", head=("MFLOP", "an image"), unit="millions"),
    Column(key="duration_s", head=("Time of", "a trial", "(s)"), unit="seconds", spread=False),
    Column(key="images_per_s", head=("Images", "a second"), unit="count", spread=False),
)
COMPARISON = (
    CONFIGURATION,
    METHOD,
    SEEDS,
    GROUP,
    Column(key="test_macro_f1", head=("Macro", "F1 (%)"), unit="percent"),
    Column(key="test_macro_f1", head=("Macro F1", "95 % interval"), unit="interval"),
    Column(key="test_weighted_f1", head=("Weighted", "F1 (%)"), unit="percent"),
    Column(key="test_accuracy", head=("Accuracy", "(%)"), unit="percent"),
    *COST,
)
COSTS = (
    Column(key="name", head=("Configuration", "or method")),
    Column(key="source", head=("From",)),
    Column(key="accuracy", head=("Accuracy", "(%)"), unit="percent"),
    Column(key="accuracy", head=("95 %", "interval"), unit="interval"),
    *COST[:2],
)
SEVERAL = (
    Column(key="study", head=("Study",)),
    Column(key="file", head=("Data",)),
    Column(key="short", head=("Configuration",)),
    *COMPARISON[2:],
)
INTERVALS = (
    CONFIGURATION,
    SEEDS,
    Column(key="test_weighted_f1", head=("Weighted", "F1 (%)"), unit="interval"),
    Column(key="test_accuracy", head=("Accuracy", "(%)"), unit="interval"),
    Column(key="test_macro_precision", head=("Macro", "precision", "(%)"), unit="percent"),
    Column(key="test_macro_precision", head=("95 %", "interval"), unit="interval"),
    Column(key="test_macro_recall", head=("Macro", "recall (%)"), unit="percent"),
    Column(key="test_macro_recall", head=("95 %", "interval"), unit="interval"),
    Column(key="test_auc", head=("AUC", "(0 to 1)"), unit="score"),
    Column(key="test_auc", head=("AUC, 95 %", "interval (%)"), unit="interval"),
)
PAIRS = (
    Column(key="a", head=("A",)),
    Column(key="b", head=("B",)),
    Column(key="seeds", head=("Seeds",), unit="count"),
    Column(key="difference", head=("A \N{MINUS SIGN} B,", "points of", "macro F1"), unit="points"),
    Column(key="interval", head=("95 %", "interval"), unit="points_interval"),
    Column(key="p_holm", head=("p", "(Holm)"), unit="p"),
    Column(key="only_a", head=("A alone", "right", "(images)"), unit="mean"),
    Column(key="only_b", head=("B alone", "right", "(images)"), unit="mean"),
    Column(key="p_mcnemar_holm", head=("McNemar", "p (Holm)"), unit="p"),
    Column(key="result", head=("Result",)),
)
EFFECTS = (
    Column(key="choice", head=("Choice",)),
    Column(key="where", head=("Family",)),
    Column(key="pairs", head=("Pairs", "compared"), unit="count"),
    Column(key="seeds", head=("Seeds",), unit="count"),
    Column(key="difference", head=("Difference", "(points)"), unit="points"),
    Column(key="interval", head=("95 %", "interval"), unit="points_interval"),
    Column(key="p_holm", head=("p", "(Holm)"), unit="p"),
)
ABLATION = (
    Column(key="ingredient", head=("Left out",)),
    Column(key="score", head=("Macro F1", "without", "it (%)"), unit="percent"),
    Column(key="difference", head=("With minus", "without", "(points)"), unit="points"),
    Column(key="interval", head=("95 %", "interval"), unit="points_interval"),
    Column(key="p_holm", head=("p", "(Holm)"), unit="p"),
    Column(key="seeds", head=("Seeds",), unit="count"),
    Column(key="result", head=("Macro F1 is",)),
)
REPRODUCTION = (
    CONFIGURATION,
    Column(key="published", head=("Published", "(%)"), unit="percent"),
    Column(key="recomputed", head=("From the", "published", "matrix (%)"), unit="percent"),
    Column(key="recomputed", head=("95 %", "interval"), unit="interval"),
    Column(key="seeds", head=("Our", "seeds"), unit="count"),
    Column(key="ours", head=("Ours", "(%)"), unit="percent"),
    Column(key="ours", head=("95 %", "interval"), unit="interval"),
    Column(key="range", head=("One more", "run: 95 %"), unit="interval"),
    Column(key="verdict", head=("Published", "value is"), unit="verdict"),
)
BENCHMARK = (
    Column(key="method", head=("Method",)),
    Column(key="resolution", head=("Pixels", "a side"), unit="count"),
    Column(key="accuracy", head=("Accuracy", "(%)"), unit="percent"),
    Column(key="auc", head=("AUC", "(0 to 1)"), unit="score"),
)
NOISE = (
    Column(key="cross_entropy", head=("CrossEntropy",)),
    Column(key="nll", head=("NLLLoss",)),
    Column(key="published_cross_entropy", head=("Published,", "first (%)"), unit="percent"),
    Column(key="published_nll", head=("Published,", "second (%)"), unit="percent"),
    Column(key="published_difference", head=("Difference", "(points)"), unit="points"),
    Column(key="seed_sd", head=("Our spread", "over seeds", "(points)"), unit="percent"),
    Column(key="limit", head=("Luck of a", "seed, up to", "(points)"), unit="percent"),
    Column(key="verdict", head=("The difference", "can be")),
)
EFFORT = (
    CONFIGURATION,
    METHOD,
    SEEDS,
    Column(key="best_epoch", head=("Best epoch",), unit="mean"),
    Column(key="epochs", head=("Epochs run",), unit="mean"),
    Column(key="duration_s", head=("Time of a trial", "(s)"), unit="seconds"),
    Column(key="images_per_s", head=("Images", "a second"), unit="count"),
    Column(key="parameters", head=("Parameters",), unit="count"),
    Column(key="operations", head=("Operations", "an image"), unit="count"),
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
    Column(key="family", head=("Family",), unit="word"),
    Column(key="loss", head=("Loss",), unit="word"),
    Column(key="optimizer", head=("Optimizer",), unit="word"),
    Column(key="learning_rate", head=("Learning rate",), unit="setting"),
    Column(key="momentum", head=("Momentum",), unit="setting"),
    Column(key="dropout", head=("Dropout",), unit="setting"),
)
FURTHER = (
    CONFIGURATION,
    Column(key="width", head=("Width",), unit="setting"),
    Column(key="weight_decay", head=("Weight", "decay"), unit="setting"),
    Column(key="label_smoothing", head=("Label", "smoothing"), unit="setting"),
    Column(key="orientations", head=("Eight", "orientations"), unit="word"),
    Column(key="shift", head=("Shifts", "(pixels)"), unit="setting"),
    Column(key="schedule", head=("Learning", "rate is"), unit="word"),
    Column(key="batch_size", head=("Batch", "size"), unit="setting"),
    Column(key="max_epochs", head=("Epochs", "at most"), unit="setting"),
    Column(key="patience", head=("Patience", "(epochs)"), unit="setting"),
)
CONFIRMED = (
    CONFIGURATION,
    Column(key="settings", head=("Settings",), unit="prose"),
    Column(key="role_text", head=("It is",)),
    Column(key="value", head=("Search:", "val (%)"), unit="percent"),
    Column(key="seeds_text", head=("Seeds",)),
    Column(key="val", head=("Confirmed:", "val (%)"), unit="percent"),
    Column(key="shrinkage", head=("Shrinkage", "(points)"), unit="points"),
    Column(key="test", head=("Confirmed:", "test (%)"), unit="percent"),
    Column(key="test", head=("95 %", "interval"), unit="interval"),
)
EFFORT_OF_SEARCH = (
    Column(key="state", head=("Trials",)),
    Column(key="trials", head=("Number",), unit="count"),
    Column(key="epochs", head=("Epochs", "trained"), unit="count"),
    Column(key="full", head=("Epochs of", "full training"), unit="count"),
    Column(key="factor", head=("Full training", "\N{DIVISION SIGN} trained"), unit="seconds"),
    Column(key="minutes", head=("Time of the", "trials (min)"), unit="seconds"),
)
IMPORTANCES = (
    Column(key="among", head=("Among",)),
    Column(key="rung", head=("After", "epoch"), unit="count"),
    Column(key="trials", head=("Trials",), unit="count"),
    Column(key="setting_text", head=("Setting",)),
    Column(key="importance", head=("Importance", "(%)"), unit="percent"),
    Column(key="importance", head=("90 %", "interval"), unit="interval"),
)
PROPOSALS = (
    Column(key="number", head=("Trial",), unit="setting"),
    Column(key="configuration", head=("Configuration",)),
    Column(key="state", head=("Status",)),
    Column(key="value", head=("Best macro F1", "on val (%)"), unit="percent"),
    Column(key="epochs", head=("Epochs", "run"), unit="count"),
    Column(key="best_epoch", head=("Best", "epoch"), unit="count"),
    Column(key="duration_s", head=("Time", "(s)"), unit="seconds"),
    Column(key="family", head=("Family",), unit="word"),
    Column(key="optimizer", head=("Optimizer",), unit="word"),
    Column(key="learning_rate", head=("Learning", "rate"), unit="rate"),
    Column(key="momentum", head=("Momentum",), unit="share"),
    Column(key="dropout", head=("Dropout",), unit="share"),
    Column(key="weight_decay", head=("Weight", "decay"), unit="rate"),
    Column(key="label_smoothing", head=("Label", "smoothing"), unit="share"),
    Column(key="width", head=("Width",), unit="count"),
)
