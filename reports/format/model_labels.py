"""Name a model together with the other configurations that train the same one."""

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.format.text import label

MAX_VOTE_NAMES = 3
"""Configurations that the name of a vote lists; only a vote of all has more."""


def format_model(name: str, copies: Mapping[str, Sequence[str]]) -> str:
    """Return the name of a model with its copies, e.g. `cnn-config-2 = 4`.

    Args:
        name: Name of a configuration.
        copies: Names of the other configurations that train the same model, by name of the model.

    Returns:
        The name itself if it has no copies. A copy is shortened by the parts, separated by hyphens,
        with which both names begin.
    """
    return " = ".join([name, *(_shorten_copy(copy, name) for copy in copies.get(name, ()))])


def label_models(
    frame: pd.DataFrame,
    copies: Mapping[str, Sequence[str]],
    columns: Sequence[str] = ("configuration",),
) -> pd.DataFrame:
    """Return a copy of a frame in which `format_model` replaces the names in some columns."""
    labels = {
        column: [format_model(str(name), copies) for name in frame[column]] for column in columns
    }
    return frame.assign(**labels)


def format_vote(configurations: Sequence[str], copies: Mapping[str, Sequence[str]]) -> str:
    """Return the name of a vote, e.g. `2 best: cnn-config-1, cnn-config-2`.

    Args:
        configurations: Names of the configurations, the best first.
        copies: See `format_model`.

    Returns:
        The name of the model for one configuration, and the number of many.
    """
    names = [format_model(name, copies) for name in configurations]
    if len(names) == 1:
        return names[0]
    if len(names) > MAX_VOTE_NAMES:
        return f"all {len(names)} models"
    return f"{len(names)} best: {', '.join(names)}"


def format_methods(comparison: pd.DataFrame, copies: Mapping[str, Sequence[str]]) -> list[str]:
    """Format loss and optimizer of each configuration, with the losses of its copies.

    Args:
        comparison: Frame with the columns `configuration`, `loss` and `optimizer`.
        copies: See `format_model`.

    Returns:
        Texts such as `CrossEntropy + SGD`, one for each row; `either loss + SGD` if the losses
        differ only by name.
    """
    losses = dict(zip(comparison["configuration"], comparison["loss"], strict=True))
    texts = []
    for name, loss, optimizer in zip(losses, losses.values(), comparison["optimizer"], strict=True):
        has_one_loss = all(losses[copy] == loss for copy in copies.get(name, ()))
        texts.append(f"{label(loss) if has_one_loss else 'either loss'} + {label(optimizer)}")
    return texts


def _shorten_copy(copy: str, name: str) -> str:
    """Return a name without the parts, separated by hyphens, with which another begins, too."""
    while "-" in copy and copy.partition("-")[0] == name.partition("-")[0]:
        copy, name = copy.partition("-")[2], name.partition("-")[2]
    return copy
