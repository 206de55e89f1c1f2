"""Names of classes."""

from reports.format.text import shorten_class_names


def test_shorten_class_names_drops_notes_in_parentheses() -> None:
    assert shorten_class_names(["platelet", "granulocytes(of a kind)"]) == (
        "platelet",
        "granulocytes",
    )


def test_shorten_class_names_that_would_be_equal_keeps_them() -> None:
    names = ("cell (1)", "cell (2)")
    assert shorten_class_names(names) == names
