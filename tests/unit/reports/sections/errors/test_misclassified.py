"""The section on the images most often wrong: a gallery, a table, counts."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from reports.analysis.misclassified import ErrorCounts, Misclassified, analyze_misclassified
from reports.sections.errors import misclassified
from reports.sections.gallery import SHOWN_SIDE
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
    gallery = section.gallery
    assert gallery is not None
    assert gallery.n_open == len(table.rows) == 24
    assert len(gallery.thumbnails) == len(table.values) == len(errors.images) > 24
    sprite = np.round(imread(io.BytesIO(gallery.sprite))[..., :3] * 255)
    assert sprite.shape == (gallery.n_rows * 28, gallery.n_columns * 28, 3)
    records = errors.images.to_dict("records")
    for i, (thumbnail, row) in enumerate(zip(gallery.thumbnails, records, strict=True)):
        pixel = sprite[i // gallery.n_columns * 28, i % gallery.n_columns * 28]
        assert pixel.tolist() == [row["index"] // 256, row["index"] % 256, 7]
        assert CLASS_LABELS[row["true"]] in thumbnail.lines[0]
        assert CLASS_LABELS[row["predicted"]] in thumbnail.lines[1]
        assert re.findall(r"\d+", thumbnail.lines[2]) == [str(row["wrong"]), "4"]
        assert str(row["index"]) in thumbnail.alt


def test_misclassified_gallery_knows_the_errors_of_each_model(errors: Misclassified) -> None:
    images = np.zeros((N_IMAGES, 28, 28, 3), np.uint8)
    few = replace(errors, images=errors.images.iloc[:30])
    context = make_context(copies={"mlnn-config-1": ["cnn-config-1"]})
    section, merged = (
        misclassified.make_section(few, images, context=each) for each in (make_context(), context)
    )
    assert section is not None
    assert merged is not None
    assert section.gallery is not None
    assert merged.gallery is not None
    assert section.gallery.models == (("mlnn-config-1", 2), ("cnn-config-1", 2))
    assert merged.gallery.models == (("mlnn-config-1 = cnn-config-1", 2),)
    first, images_of_first = errors.images.iloc[0], section.gallery.thumbnails[0].image
    assert images_of_first.true == first["true"]
    assert images_of_first.errors == ((0, first["predicted"], 2), (1, first["predicted"], 2))
    n_images = errors.errors["index"].nunique()
    assert len(section.gallery.omitted) == n_images - 30 > 0


@pytest.mark.parametrize(("n_images", "shape"), [(2, (3, 8)), (3, (6, 8)), (1, (3, 4))])
def test_arrange_tiles_fills_rows_from_the_left(n_images: int, shape: tuple[int, int]) -> None:
    images = np.arange(n_images * 36, dtype=np.uint8).reshape(n_images, 3, 4, 3)
    tiles = misclassified.arrange_tiles(images, 2)
    assert tiles.shape == (*shape, 3)
    for i in range(n_images):
        place = tiles[i // 2 * 3 : i // 2 * 3 + 3, i % 2 * 4 : i % 2 * 4 + 4]
        np.testing.assert_array_equal(place, images[i])


def test_misclassified_without_images_has_an_open_table(errors: Misclassified) -> None:
    section = misclassified.make_section(errors, None, context=make_context())
    table = find_table(section, "misclassified")
    assert section is not None
    assert section.gallery is None
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


def test_misclassified_gallery_reduces_large_images_and_shows_fewer() -> None:
    errors = analyze_misclassified(make_test_predictions({"cnn-config-1": [3 * ASYMMETRIC]}))
    assert len(errors.images) == 120
    images = np.zeros((3 * N_IMAGES, 168, 168, 1), np.uint8)
    images[:, :2, :2] = 200
    section = misclassified.make_section(errors, images, context=make_context())
    assert section is not None
    assert section.gallery is not None
    assert section.gallery.side == SHOWN_SIDE == 84
    assert len(section.gallery.thumbnails) == 99  # 700,000 pixels, of 84 x 84 each
    sprite = (imread(io.BytesIO(section.gallery.sprite)) * 255).round()
    assert sprite.shape[:2] == (5 * 84, 20 * 84)
    assert (sprite[0, 0, :3] == 200).all()
    assert (sprite[1:84, 1:84, :3] == 0).all()


def test_reduce_images_sides_that_do_not_divide_keep_the_mean() -> None:
    images = np.full((2, 100, 100, 3), 77, np.uint8)
    reduced = misclassified.reduce_images(images, 84)
    assert reduced.shape == (2, 84, 84, 3)
    assert (reduced == 77).all()
