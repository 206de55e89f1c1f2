"""Answer the items about networks, training, search and selection."""

from collections.abc import Iterable

from bloodnets.data_shape import DataShape
from reports.format.text import describe_search_settings, describe_sources, label
from reports.format.units import format_count
from reports.ledger.search_record import SearchRecord
from reports.sections.paper.answer import Answer, join_words
from reports.sections.paper.facts import PaperFacts

_SOFTWARE_NAMES = {
    "python": "Python",
    "torch": "PyTorch",
    "numpy": "NumPy",
    "ray": "Ray",
    "optuna": "Optuna",
}


def describe_layers(family: str, shape: DataShape) -> str:
    """Describe the layers of a network family in a phrase, as in `bloodnets.models`.

    Args:
        family: Name of the family.
        shape: Shape of the study's data.
    """
    n_inputs = shape.channels * shape.side**2
    n_hidden = (n_inputs + shape.n_classes) // 2
    n_features = 128 * (shape.side // 8) ** 2
    return {
        "mlnn": (
            f"fully connected layers {n_inputs}-{n_hidden}-{n_hidden}-{shape.n_classes} with ReLU "
            "and dropout"
        ),
        "cnn": (
            f"3 x 3 convolutions {shape.channels}-32-64-128 with ReLU and 2 x 2 max-pooling, then "
            f"fully connected layers {n_features}-256-128-{shape.n_classes} with dropout"
        ),
        "resnet": (
            "three residual stages of 3 x 3 convolutions with batch normalization, then global "
            "max-pooling, dropout and one fully connected layer"
        ),
    }[family]


def describe_goal(facts: PaperFacts) -> Answer:
    """Say what was compared or searched."""
    n_configurations = format_count(len(facts.configs), "configuration")
    if facts.search is None:
        shared = "images and seeds" if facts.folds is None else "test images, seeds and folds"
        return Answer(f"Comparison of {n_configurations} on the same {shared}.", "the intended use")
    text = f"Search for better settings with {format_count(len(facts.search.trials), 'trial')}"
    return Answer(f"{text}; {n_configurations} re-trained with new seeds.", "the intended use")


def describe_technique(facts: PaperFacts) -> Answer:
    """Name the kind of artificial intelligence."""
    return Answer(f"Technique: deep learning ({list_families(facts)}).", "the title")


def list_families(facts: PaperFacts) -> str:
    """Join the names of the network families; for a search without a result, those searched."""
    searched = () if facts.search is None else facts.search.record.families
    return join_words(map(label, facts.list_values("family") or searched))


def describe_predictors(_: PaperFacts) -> Answer:
    """Name the input of the models."""
    return Answer("The pixels of one image; no other data, and no selection among them.")


def describe_networks(facts: PaperFacts) -> Answer:
    """Describe the layers and the number of parameters of each family."""
    parts = []
    for family in map(str, facts.list_values("family")):
        sizes = join_words(f"{count:,}" for count in facts.parameters.get(family, ()))
        parameters = f"; {sizes} parameters" if sizes else ""
        layers = describe_layers(family, facts.study.data.shape)
        parts.append(f"{label(family)}: {layers}{parameters}.")
    n_classes = facts.study.data.shape.n_classes
    return Answer(" ".join([*parts, f"Output: probabilities of {n_classes} classes."]))


def describe_output(facts: PaperFacts) -> Answer:
    """Say how a class follows from the output."""
    n_classes = facts.study.data.shape.n_classes
    return Answer(
        f"Probabilities of {n_classes} classes; the most probable class is the prediction, without "
        "a threshold."
    )


def describe_software(facts: PaperFacts) -> Answer:
    """Name the versions of the software."""
    return Answer(f"{list_versions(facts)}.")


def list_versions(facts: PaperFacts) -> str:
    """Join the versions of Python and of the libraries."""
    versions = facts.study.software.versions
    return join_words(
        f"{_SOFTWARE_NAMES.get(name, name)} {version}" for name, version in versions.items()
    )


def describe_code(facts: PaperFacts) -> Answer:
    """Identify the source code."""
    sources = describe_sources(facts.study.software)
    return Answer(f"Code: bloodstudy, {sources}.", "addresses of code and models")


def describe_initialization(_: PaperFacts) -> Answer:
    """Say how the weights were initialized."""
    return Answer("PyTorch's default initialization, set by the seed; no pre-trained weights.")


def describe_training(facts: PaperFacts) -> Answer:
    """Describe optimizer, batches and the end of training."""
    if not facts.configs:
        return Answer("", "no configuration has been trained in full yet")
    text = (
        f"{describe_loss_and_optimizer(facts)}; batch size "
        f"{join_words(facts.list_values('batch_size'))}; {describe_stopping(facts)}; "
        f"{join_words(facts.list_values('precision'))} precision; {list_replicates(facts)}."
    )
    return Answer(f"{text} All settings: tables/settings.csv.")


def describe_loss_and_optimizer(facts: PaperFacts) -> str:
    """Describe in a phrase the losses, the optimizers with their settings, and the dropout."""
    parts = []
    for name in facts.list_values("optimizer"):
        configs = [config for config in facts.configs.values() if config["optimizer"] == name]
        settings = f"learning rate {_join_numbers(c['learning_rate'] for c in configs)}"
        if momenta := [c["momentum"] for c in configs if c["momentum"] is not None]:
            settings += f", momentum {_join_numbers(momenta)}"
        parts.append(f"{label(name)} ({settings})")
    losses = join_words(map(label, facts.list_values("loss")))
    dropout = _join_numbers(config["dropout"] for config in facts.configs.values())
    return f"{losses}, {join_words(parts)}, dropout {dropout}"


def _join_numbers(values: Iterable[float]) -> str:
    """Join distinct numbers with two significant digits, in ascending order."""
    return join_words(f"{value:.2g}" for value in sorted({*values}))


def list_replicates(facts: PaperFacts) -> str:
    """Join the seeds as `seeds 0, 1 and 2`, and add the folds of a cross-validation."""
    text = f"{'seed' if len(facts.seeds) == 1 else 'seeds'} {join_words(facts.seeds)}"
    if facts.folds is None:
        return text
    return f"{text} on each of {facts.folds} folds of train and val"


def describe_stopping(facts: PaperFacts) -> str:
    """Describe in a phrase when training ends."""
    max_epochs = facts.list_values("max_epochs")
    limits = f"at most {join_words(max_epochs)} {'epoch' if max_epochs == [1] else 'epochs'}"
    patient = [c["patience"] for c in facts.configs.values() if c["patience"] < c["max_epochs"]]
    if not patient:
        return f"{limits}, without early stopping"
    patience = join_words(dict.fromkeys(patient))
    return f"{limits}, early stopping after {patience} epochs without a better macro F1 on val"


def describe_tuning(facts: PaperFacts) -> Answer:
    """Describe the search of hyper-parameters; none for a grid."""
    if facts.search is None:
        return Answer("No hyper-parameter was tuned in this study.")
    return Answer(f"Search: {list_search_settings(facts.search.record)}.")


def list_search_settings(search: SearchRecord) -> str:
    """Join the search space, the sampler and the rungs of a search."""
    pairs = describe_search_settings(search)
    return "; ".join(f"{name[0].lower()}{name[1:]} {text}" for name, text in pairs)


def describe_selection(facts: PaperFacts) -> Answer:
    """Say how epochs and configurations were selected."""
    text = (
        "The weights of the epoch with the highest macro F1 on val. bloodstudy selects nothing by "
        "its score on test."
    )
    if confirmation := describe_confirmation(facts):
        text += f" {confirmation}."
    return Answer(text)


def describe_confirmation(facts: PaperFacts) -> str:
    """Name the re-trained configurations of a search, without a period; empty if there are none."""
    confirmation = None if facts.search is None else facts.search.confirmation
    if confirmation is None or not facts.configs:
        return ""
    text = (
        f"After the search, {format_count(len(facts.configs), 'configuration')} "
        f"{'was' if len(facts.configs) == 1 else 'were'} re-trained with new seeds: the best on "
        f"val ({join_words(confirmation.best)})"
    )
    others = [name for name in confirmation.baselines if name not in confirmation.best]
    return f"{text}, and for comparison {join_words(others)}" if others else text


def describe_ensembling(_: PaperFacts) -> Answer:
    """Say that no models were combined."""
    return Answer("None: every score is that of single models.")


def describe_imbalance(facts: PaperFacts) -> Answer:
    """Say how the imbalance of the classes was treated."""
    weights = describe_class_weights(facts)
    treatment = (
        f"Training with {weights}; no resampling"
        if weights
        else "No class weights and no resampling"
    )
    return Answer(f"{treatment}; macro F1 weights all classes equally.")


def describe_class_weights(facts: PaperFacts) -> str:
    """Name the configurations with class weights in a phrase; empty if there are none."""
    names = [name for name, c in facts.configs.items() if c.get("class_weights") == "balanced"]
    if not names:
        return ""
    phrase = "class weights inversely proportional to the number of training images of the class"
    return phrase if len(names) == len(facts.configs) else f"{phrase}, for {join_words(names)}"


def describe_prediction(facts: PaperFacts) -> Answer:
    """Say how predictions are calculated."""
    text = "One forward pass with the stored weights (`bloodstudy predict`)."
    if orientations := describe_orientations(facts):
        text = f"With the stored weights (`bloodstudy predict`): {orientations}."
    return Answer(text)


def describe_orientations(facts: PaperFacts) -> str:
    """Name the configurations that predict means over orientations; empty if there are none."""
    names = [name for name, config in facts.configs.items() if config.get("orientations")]
    if not names:
        return ""
    phrase = "the mean probabilities over the eight orientations of each image"
    return phrase if len(names) == len(facts.configs) else f"{phrase}, for {join_words(names)}"


def describe_protocol(facts: PaperFacts) -> Answer:
    """Identify the plan of the study."""
    return Answer(
        f"Plan stored before training, {facts.study.created_at}: fingerprint "
        f"{facts.study.fingerprint[:12]}….",
        "where the protocol can be read",
    )
