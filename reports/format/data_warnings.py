"""Describe absent classes, identical images and divided groups, for the terminal and the report."""

from collections.abc import Iterator

from reports.format.text import make_class_label
from reports.format.units import format_count
from reports.ledger.data_record import DataRecord

MIN_CLASS_IMAGES = 30
"""Number of test images of a class below which its scores get a warning.

With 30 images, one error more or less changes the recall by 3.3 points, and the 95% confidence
interval of a recall of 90% is 24 points wide (Clopper-Pearson).
"""

_IGNORED_ORDER = "the labels are grades, whose order models and scores ignore"

_SPLIT_HINT = "bloodstudy prepare --groups makes splits that keep each group together"

_DROP_HINT = "--drop-duplicates removes them from train and val in a new study"


def list_data_warnings(data: DataRecord) -> list[str]:
    """List what is wrong: absent classes, ignored grades, harmful duplicates, divided groups."""
    warnings = list(_list_absent_classes(data))
    if data.other_set is not None and data.other_set.is_ordinal:
        warnings.append(f"{data.other_set.title}: {_IGNORED_ORDER}")
    duplicates = data.duplicates
    if duplicates is not None and (duplicates.across_splits or duplicates.contradictory):
        text = f"Identical images: {describe_duplicates(data)}"
        warnings.append(text if data.dropped is not None else f"{text}; {_DROP_HINT}")
    if data.groups is not None and data.groups.across_splits:
        warnings.append(f"Groups: {describe_groups(data)}; {_SPLIT_HINT}")
    return warnings


def list_score_warnings(data: DataRecord) -> list[str]:
    """List what makes the scores of a study wrong or unusual, for the top of its report.

    These are the absent classes, and the identical images and divided groups that touch test.
    """
    warnings = list(_list_absent_classes(data))
    n_test = sum(data.class_counts["test"])
    if data.duplicates is not None and (n_images := data.duplicates.test_images):
        text = (
            f"Identical images: {n_images:,} of {format_count(n_test, 'test image')} also occur in "
            f"another split or with another label, which can change the accuracy by up to "
            f"{100 * n_images / n_test:.2f} points"
        )
        warnings.append(text if data.dropped is not None else f"{text}; {_DROP_HINT}")
    if data.groups is not None and (n_images := data.groups.test_images):
        warnings.append(
            f"Groups: {n_images:,} of {format_count(n_test, 'test image')} belong to a group, e.g. "
            "a patient, that is also in train or val, so the scores may be too high for new groups"
        )
    return warnings


def list_small_classes(data: DataRecord) -> list[str]:
    """List the classes with few test images, for the places that show scores of single classes.

    Args:
        data: Record of the data.

    Returns:
        One warning, or none if each class has no or at least `MIN_CLASS_IMAGES` test images.
    """
    counts = data.class_counts.get("test", ())
    small = {i: count for i, count in enumerate(counts) if 0 < count < MIN_CLASS_IMAGES}
    if not small:
        return []
    names = ", ".join(f"{make_class_label(i, data.class_names[i])} ({n})" for i, n in small.items())
    return [
        f"Fewer than {MIN_CLASS_IMAGES} test images: {names}. One error more or less changes the "
        f"recall of such a class by {100 / max(small.values()):.1f} points or more, so its scores "
        "are imprecise."
    ]


def describe_duplicates(data: DataRecord) -> str:
    """Describe the identical images of a study's data in one line."""
    duplicates = data.duplicates
    if duplicates is None:
        return "not counted"
    text = (
        f"{format_count(duplicates.groups, 'group')}, {duplicates.across_splits:,} of them across "
        f"splits and {duplicates.contradictory:,} with different labels"
        if duplicates.groups
        else "none"
    )
    if data.dropped is None:
        return text
    dropped = ", ".join(f"{count:,} from {split}" for split, count in data.dropped.items())
    return f"{text}, after --drop-duplicates removed {dropped}"


def describe_groups(data: DataRecord) -> str:
    """Describe the groups of a study's data, and whether each is in one split."""
    groups = data.groups
    if groups is None:
        return "not known"
    text = f"{format_count(groups.count, 'group')}, e.g. patients"
    if groups.across_splits:
        return f"{text}, {groups.across_splits:,} of them in several splits"
    return f"{text}, each in one split"


def _list_absent_classes(data: DataRecord) -> Iterator[str]:
    for split, classes in data.absent_classes.items():
        names = ", ".join(make_class_label(index, data.class_names[index]) for index in classes)
        n_classes = len(data.class_names)
        maximum = f"{(n_classes - len(classes)) / n_classes:.1%}"
        if split == "train":
            effect = "no model can learn to recognize it"
        elif split == "val":
            effect = (
                f"macro F1 on val is at most {maximum}, and the selection of epochs and "
                "configurations ignores the class"
            )
        else:
            effect = (
                f"an absent class counts as 0, so macro F1 on test is at most {maximum}, and the "
                "AUC is undefined"
            )
        noun = "class" if len(classes) == 1 else "classes"
        yield f"{split} has no image of {noun} {names}: {effect}"
