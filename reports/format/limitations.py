"""Describe what the scores of a study do not cover, for the report and the model card."""

from bloodnets.constants import CLASS_NAMES
from reports.format.data_warnings import describe_groups
from reports.ledger.data_record import DataRecord
from reports.ledger.states import DataKind

_SOURCE = (
    "one hospital (Hospital Clinic of Barcelona), one stain (May Grünwald-Giemsa) and one analyzer "
    "(CellaVision DM96). They show normal cells of people without infection, hematologic or "
    "oncologic disease (Acevedo et al., Data in Brief, 2020)"
)


IGNORED_ORDER = (
    "The labels are grades, but models and scores ignore their order: they treat a difference of "
    "one grade like one of several."
)
"""Limitation of a data set of MedMNIST whose task is ordinal regression."""


def describe_fold_variance(folds: int) -> tuple[str, ...]:
    """Return sentences on which variance the intervals of a cross-validation include.

    Args:
        folds: Number of folds K. Two trials of a seed have (K - 2) / (K - 1) of their training
            images in common.
    """
    included = (
        "The intervals of scores on test include the variance from test images, seed and held-out "
        "fold, but not that from another set of training images."
    )
    if folds == 2:
        return (included,)
    return (
        included,
        f"Two trials of a seed have about {(folds - 2) / (folds - 1):.0%} of their training images "
        "in common, so the intervals are too narrow for new training data.",
    )


def list_limitations(data: DataRecord, folds: int | None) -> tuple[str, ...]:
    """List how the split and the source of the images limit the scores.

    The facts are those of MedMNIST's description of BloodMNIST and of Acevedo et al., "A dataset of
    microscopic peripheral blood cell images for development of automatic recognition systems" (Data
    in Brief 30, 2020, doi:10.1016/j.dib.2020.105474).

    Args:
        data: Data of the study.
        folds: Number of folds of the cross-validation; None without one.

    Returns:
        Statements of one to three sentences; none for synthetic cells, which have no source.
    """
    if data.kind is DataKind.SYNTHETIC:
        return ()
    if data.is_bloodmnist:
        split = "BloodMNIST was split by image, and its data do not identify the patients."
        source = f"All images come from {_SOURCE}."
    elif (data_set := data.other_set) is not None:
        split = (
            f"{data_set.title} does not identify the patients, so bloodstudy does not know "
            "whether the split of MedMNIST keeps the images of each patient together."
        )
        source = (
            "The source of the images is described with MedMNIST v2 (Yang et al., Scientific Data, "
            "2023)."
        )
        if data_set.is_ordinal:
            source += f" {IGNORED_ORDER}"
    else:
        split = _describe_split_of_file(data)
        source = "bloodstudy does not know the source of the file."
        if data.class_names == CLASS_NAMES:
            source += (
                " If it was made from BloodMNIST or its source photographs, all images come from "
                f"{_SOURCE}."
            )
    if data.groups is None:
        split += (
            " Images of one patient may be in train and in test. The scores may then be too high "
            "for new patients."
        )
    variance = (
        "The confidence intervals cover other test images from the same source and, with several "
        f"replicates, other seeds{'' if folds is None else ' and folds'}. They do not cover new "
        "patients, hospitals, stains or devices."
    )
    if folds is not None:
        variance = " ".join([variance, *describe_fold_variance(folds)])
    return (
        split,
        source,
        variance,
    )


def _describe_split_of_file(data: DataRecord) -> str:
    """Say whether the split of a file that is not of MedMNIST keeps its groups together."""
    if data.groups is None:
        return (
            f"{data.name} does not identify the patients, so bloodstudy does not know whether its "
            "split keeps the images of each patient together."
        )
    text = f"{data.name} has {describe_groups(data)}."
    if data.groups.across_splits:
        text += " The scores may therefore be too high for new patients."
    return text
