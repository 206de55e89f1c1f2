"""The sentence on a model's temperature."""

import pytest

from reports.analysis.temperature import Temperature, TemperatureState
from reports.sections.temperature_text import describe_temperature


def test_describe_temperature_names_value_and_images() -> None:
    text = describe_temperature(Temperature(1.2345, TemperatureState.FITTED, 1712))
    assert "1.23," in text
    assert "1,712 images" in text


def test_describe_temperature_says_that_it_is_a_bound() -> None:
    text = describe_temperature(Temperature(10.0, TemperatureState.AT_BOUND, 30))
    assert "10, a bound" in text


@pytest.mark.parametrize(
    "state",
    [
        TemperatureState.FEW_IMAGES,
        TemperatureState.NO_ERROR,
        TemperatureState.NO_COMMON_VAL,
        TemperatureState.OTHER_VIEWS,
    ],
)
def test_describe_temperature_without_one_says_so(state: TemperatureState) -> None:
    assert "not calibrated" in describe_temperature(Temperature(1.0, state, 0))
