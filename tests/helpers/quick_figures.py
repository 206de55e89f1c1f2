"""Figures that are texts instead of drawings, which take seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports import figures


@contextmanager
def write_texts_of_figures() -> Iterator[None]:
    """Make reports with the texts of figures, as if drawn by matplotlib 9.9."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "render_svg_and_png", _draw_texts)
        patch.setattr(figures, "render_svg", lambda figure: _draw_texts(figure)[0])
        patch.setattr(figures, "inline_svg", _inline_texts)
        yield


def _draw_texts(figure: Figure) -> tuple[bytes, bytes]:
    texts = "".join(f"<!-- {text.get_text()} -->" for text in figure.findobj(Text))
    return f"<title>matplotlib 9.9</title>{texts}".encode(), texts.encode()


def _inline_texts(_: bytes, __: object, *, name: str, label: str) -> str:
    return f'<svg data-creator="9.9" aria-label="{label}">\n<g data-tip="{name}"/></svg>'
