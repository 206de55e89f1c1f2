"""The section on the images most often wrong: a gallery, a table, counts."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from reports.analysis.misclassified import ErrorCounts, Misclassified, analyze_misclassified
from reports.sections.errors import misclassified
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    SYNTHETIC,
    find_table,
    make_context,
    make_test_predictions,
    read_rows,
)

N_IMAGES = int(ASYMMETRIC.sum())


@pytest.fixture(scope="module")
def errors() -> Misclassified:
    poorer = worsen_matrix(ASYMMETRIC, n_moved=5)
    return analyze_misclassified(
        make_test_predictions({"mlnn-config-1": [poorer] * 2, "cnn-config-1": [ASYMMETRIC] * 2})
    )


def test_misclassified_gallery_shows_the_images_of_the_rows(errors: Misclassified) -> None:
    images = np.zeros((N_IMAGES, 28, 28, 3), np.uint8)
    numbers = np.arange(N_IMAGES)
    images[:, 0, 0] = np.stack([numbers // 256, numbers % 256, np.full(N_IMAGES, 7)], axis=1)
    section = misclassified.make_section(errors, images, context=make_context())
    assert section is not None
    assert section.key == "misclassified"
    table = find_table(section, "misclassified")
    assert table.folded
    assert len(section.thumbnails) == len(table.rows) == 24
    for thumbnail, row in zip(section.thumbnails, errors.images.to_dict("records"), strict=True):
        pixel = np.round(imread(io.BytesIO(thumbnail.png))[0, 0, :3] * 255)
        assert pixel.tolist() == [row["index"] // 256, row["index"] % 256, 7]
        assert CLASS_LABELS[row["true"]] in thumbnail.lines[0]
        assert CLASS_LABELS[row["predicted"]] in thumbnail.lines[1]
        assert re.findall(r"\d+", thumbnail.lines[2]) == [str(row["wrong"]), "4"]
        assert str(row["index"]) in thumbnail.alt


def test_misclassified_without_images_has_an_open_table(errors: Misclassified) -> None:
    section = misclassified.make_section(errors, None, context=make_context())
    table = find_table(section, "misclassified")
    assert section is not None
    assert section.thumbnails == ()
    assert not table.folded
    first = read_rows(table)[0]
    assert first["true_label"] in CLASS_LABELS
    assert [first["wrong"], first["trials"]] == ["4", "4"]


def test_misclassified_synthetic_cells_promise_no_images(errors: Misclassified) -> None:
    official, synthetic = (
        misclassified.make_section(errors, None, context=context)
        for context in (make_context(), make_context(data=SYNTHETIC))
    )
    assert official is not None
    assert synthetic is not None
    assert "--data-file" in official.paragraphs[1]
    assert "--data-file" not in synthetic.paragraphs[1]


@pytest.mark.parametrize(
    ("n_trials", "n_repeated", "numbers"),
    [
        (4, 0, ["300", "360", "4", "40"]),
        (1, 0, ["300", "360"]),
        (4, 2, ["300", "360", "4", "40", "2"]),
    ],
)
def test_misclassified_paragraph_counts_images_and_trials(
    errors: Misclassified, n_trials: int, n_repeated: int, numbers: list[str]
) -> None:
    counts = ErrorCounts(
        n_images=360, n_trials=n_trials, n_repeated=n_repeated, n_always_wrong=40, n_never_wrong=300
    )
    section = misclassified.make_section(
        replace(errors, counts=counts), None, context=make_context()
    )
    assert section is not None
    assert re.findall(r"\d+", section.paragraphs[0]) == numbers


def test_misclassified_without_an_error_is_left_out(errors: Misclassified) -> None:
    nothing = replace(errors, images=errors.images.iloc[:0])
    assert misclassified.make_section(nothing, None, context=make_context()) is None


def test_encode_png_equal_images_give_equal_bytes() -> None:
    image = np.arange(28 * 28 * 3, dtype=np.uint32).reshape(28, 28, 3).astype(np.uint8)
    png = misclassified.encode_png(image)
    assert misclassified.encode_png(image.copy()) == png
    np.testing.assert_array_equal(np.round(imread(io.BytesIO(png))[..., :3] * 255), image)
