"""Elements of a section: shades, captions, file names, figures."""

import pytest
from matplotlib.figure import Figure

from reports.sections.elements import HeatMapCell, make_caption, make_figure, make_slug
from tests.helpers.report_frames import OFFICIAL, SYNTHETIC


@pytest.mark.parametrize("shade", [-6, 6])
def test_heat_map_cell_shade_beyond_the_palette_raises_value_error(shade: int) -> None:
    with pytest.raises(ValueError, match=str(shade)):
        HeatMapCell(text="", shade=shade)


@pytest.mark.parametrize("shade", [-5, 0, 5])
def test_heat_map_cell_shade_of_the_palette_is_kept(shade: int) -> None:
    assert HeatMapCell(text="", shade=shade).shade == shade


@pytest.mark.parametrize("text", ["Scores", "Scores."])
def test_make_caption_ends_with_the_data(text: str) -> None:
    official, synthetic = make_caption(text, OFFICIAL), make_caption(text, SYNTHETIC)
    assert official.startswith("Scores. ")
    assert official.endswith(OFFICIAL.short)
    assert synthetic == f"Scores. {SYNTHETIC.short}"


@pytest.mark.parametrize(
    ("family", "slug"),
    [("cnn", "cnn"), ("My net_2", "my-net-2"), ("../$\\x$/", "x"), ("***", "family")],
)
def test_make_slug_keeps_letters_and_digits(family: str, slug: str) -> None:
    assert make_slug(family) == slug


def test_make_figure_keeps_name_and_width_and_names_the_data() -> None:
    figure = make_figure("f", "What", Figure(figsize=(1, 1)), SYNTHETIC, wide=True)
    assert (figure.name, figure.wide) == ("f", True)
    assert figure.caption == make_caption("What", SYNTHETIC)
    assert b"<svg" in figure.svg
