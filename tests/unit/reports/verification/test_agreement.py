"""The comparison of a stored value with the expected value."""

import pytest

from bloodnets.errors import ConflictError
from reports.verification.agreement import expect_equal


def test_expect_equal_raises_with_the_file_and_its_value_unless_equal() -> None:
    expect_equal("a.json", "the number", 3, 3, "the count")
    with pytest.raises(ConflictError) as caught:
        expect_equal("a.json", "the number", 3, 4, "the count")
    assert (caught.value.path, caught.value.value) == ("a.json", 3)
