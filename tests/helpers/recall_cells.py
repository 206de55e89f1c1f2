"""Differences between confusion matrices with few images."""

import numpy as np
import pandas as pd


def make_cells(counts_a: list[list[int]], counts_b: list[list[int]], b: str = "b") -> pd.DataFrame:
    """Return the cells of a pair; the interval of a difference reaches two images to each side."""
    true, predicted = np.indices(np.shape(counts_a)).reshape(2, -1)
    count_a, count_b = (np.ravel(counts).astype(float) for counts in (counts_a, counts_b))
    difference = count_a - count_b
    return pd.DataFrame(
        {
            "a": "a",
            "b": b,
            "true": true,
            "predicted": predicted,
            "count_a": count_a,
            "count_b": count_b,
            "difference": difference,
            "difference_low": difference - 2,
            "difference_high": difference + 2,
            "p": np.linspace(0, 1, len(true)),
        }
    )


CELLS = make_cells([[8, 2, 0], [1, 3, 0], [0, 0, 0]], [[6, 4, 0], [0, 4, 0], [0, 0, 0]])
