"""Elements of a section: shades, captions, file names, figures."""

import pytest

from reports.figures import MarkedFigure
from reports.sections.elements import HeatMapCell, make_figure, make_slug


@pytest.fixture(autouse=True)
def quick_figures() -> None:
    """Draw figures."""


@pytest.mark.parametrize("shade", [-6, 6])
def test_heat_map_cell_shade_beyond_the_palette_raises_value_error(shade: int) -> None:
    with pytest.raises(ValueError, match=str(shade)):
        HeatMapCell(text="", shade=shade)


@pytest.mark.parametrize("shade", [-5, 0, 5])
def test_heat_map_cell_shade_of_the_palette_is_kept(shade: int) -> None:
    assert HeatMapCell(text="", shade=shade).shade == shade


@pytest.mark.parametrize(
    ("family", "slug"),
    [("cnn", "cnn"), ("My net_2", "my-net-2"), ("../$\\x$/", "x"), ("***", "family")],
)
def test_make_slug_keeps_letters_and_digits(family: str, slug: str) -> None:
    assert make_slug(family) == slug


def test_make_figure_keeps_name_caption_and_width() -> None:
    figure = make_figure("f", "What", MarkedFigure(figsize=(1, 1)), wide=True)
    assert (figure.name, figure.wide) == ("f", True)
    assert figure.caption == "What"
    assert b"<svg" in figure.svg
    assert figure.inline is not None
    assert "What" in figure.inline
