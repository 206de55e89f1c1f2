"""Compare the recall of each class between two models."""

import numpy as np
import pandas as pd

from reports.analysis.intervals import adjust_holm


def make_recall_frame(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the recall of each class for every pair of models.

    Args:
        cells: Frame of `confusion_differences.ConfusionDifferences`.

    Returns:
        A row for each pair and class with test images, in the order of `cells`:

        - `a`, `b` (str): Names of the models.
        - `class` (int): Label of the class.
        - `recall_a`, `recall_b` (float): Recalls, 0 to 1, means over the replicates.
        - `difference` (float): `recall_a` minus `recall_b`, with the ends `difference_low` and
          `difference_high` of its 95% confidence interval.
        - `p`, `p_holm` (float): Two-sided p-value of the difference, unadjusted and adjusted by
          Holm's procedure over the classes of the pair, 0 to 1.
    """
    n_images = cells.groupby(["a", "b", "true"], sort=False)["count_a"].transform("sum")
    is_shown = (cells["true"] == cells["predicted"]) & (n_images > 0)
    rows, n_images = cells[is_shown], n_images[is_shown]
    frame = rows[["a", "b"]].assign(
        **{"class": rows["true"]},
        recall_a=rows["count_a"] / n_images,
        recall_b=rows["count_b"] / n_images,
        difference=rows["difference"] / n_images,
        difference_low=np.maximum(-1, rows["difference_low"] / n_images),
        difference_high=np.minimum(1, rows["difference_high"] / n_images),
        p=rows["p"],
    )
    frame["p_holm"] = frame.groupby(["a", "b"], sort=False)["p"].transform(
        lambda p: adjust_holm(p.to_numpy())
    )
    return frame.reset_index(drop=True)
