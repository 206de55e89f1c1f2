"""Find configurations that train the same model, so that each model is compared only once."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bloodnets.metrics import IntArray
from reports.ledger.test_predictions import TestPredictions

MAX_ROUNDING = 1e-5
"""Largest difference of a probability that is taken for rounding. Probabilities are stored as
float32, and a loss that is computed differently changes their last digits."""


def index_distinct(arrays: NDArray[np.generic]) -> tuple[IntArray, IntArray]:
    """Return which arrays are distinct, so that each is analyzed only once.

    Half of the published configurations make exactly the same predictions as the others.

    Args:
        arrays: Arrays of any type, shape (k, ...).

    Returns:
        - Positions of the distinct arrays, each of the first with its content, int64, shape (d,).
        - Index of each array among the distinct ones, int64, shape (k,): `distinct[indices]` has
          the results for all arrays in their order.
    """
    index_by_content: dict[bytes, int] = {}
    indices = np.array(
        [index_by_content.setdefault(array.tobytes(), len(index_by_content)) for array in arrays],
        np.int64,
    )
    return np.unique(indices, return_index=True)[1].astype(np.int64), indices


def find_representatives(predictions: TestPredictions) -> dict[str, str]:
    """Return, for each configuration, the first one that trained the same model.

    Two configurations train the same model if they have the same family and a common replicate and,
    with every common replicate, give every image the same class and the same probabilities. Equal
    classes are not enough: two collapsed models assign all images to the same class.

    Args:
        predictions: Trials on the same images.

    Returns:
        Name of the representative by name of the configuration; its own if it is the first.
    """
    trials = predictions.trials
    rows_by_name: dict[str, dict[int, int]] = {name: {} for name in predictions.configurations}
    families = dict(zip(trials["configuration"], trials["family"], strict=True))
    for row, (name, replicate) in enumerate(
        zip(trials["configuration"], trials["replicate"], strict=True)
    ):
        rows_by_name[name][replicate] = row
    representatives: dict[str, str] = {}
    for name, rows in rows_by_name.items():
        for candidate in dict.fromkeys(representatives.values()):
            other_rows = rows_by_name[candidate]
            common_replicates = rows.keys() & other_rows.keys()
            if (
                families[name] == families[candidate]
                and common_replicates
                and all(
                    _is_same_model(predictions, rows[replicate], other_rows[replicate])
                    for replicate in common_replicates
                )
            ):
                representatives[name] = candidate
                break
        else:
            representatives[name] = name
    return representatives


def list_copies(representatives: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the other configurations that train the same model, by name of the model.

    Args:
        representatives: Representative by configuration, from `find_representatives`.

    Returns:
        Names by name of the model; only models that have such copies.
    """
    copies: dict[str, list[str]] = {}
    for name, model in representatives.items():
        if name != model:
            copies.setdefault(model, []).append(name)
    return copies


def _is_same_model(predictions: TestPredictions, first_row: int, second_row: int) -> bool:
    first, second = predictions.probabilities[[first_row, second_row]]
    return bool(
        (first.argmax(axis=1) == second.argmax(axis=1)).all()
        and np.abs(first - second).max(initial=0) <= MAX_ROUNDING
    )
