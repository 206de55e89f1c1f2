"""Sections without drawings, which take seconds: `tests/unit/reports/figures` tests those."""

from collections.abc import Iterator

import pytest

from tests.helpers.quick_figures import write_texts_of_figures


@pytest.fixture(autouse=True)
def quick_figures() -> Iterator[None]:
    """Write the texts of figures instead of drawing them."""
    with write_texts_of_figures():
        yield
