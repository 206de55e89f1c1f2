"""Checks of single values, which name the option that sets a value."""

import math

import pytest

from bloodnets.errors import DataError
from study.configs.value_checks import require_at_least, require_choice


def is_refused(value: int | None) -> bool:
    try:
        require_at_least("--seeds", value, 1)
    except DataError:
        return True
    return False


def test_require_at_least_missing_or_large_value_passes() -> None:
    assert [is_refused(value) for value in (None, 2, 1, 0)] == [False, False, False, True]


@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_require_at_least_value_below_the_minimum_raises(value: int) -> None:
    with pytest.raises(DataError) as caught:
        require_at_least("--seeds", value, 1)
    assert caught.value.value is value
    assert caught.value.problem.startswith("--seeds ")
    assert "1" in str(caught.value.expected)


def test_require_choice_unknown_value_raises_with_the_choices() -> None:
    require_choice("--sampler", "tpe", ("tpe", "random"))
    with pytest.raises(DataError) as caught:
        require_choice("--sampler", "grid", ("tpe", "random"))
    assert (caught.value.value, caught.value.expected) == ("grid", "tpe or random")
