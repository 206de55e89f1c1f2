"""Times as users write them."""

import pytest

from bloodnets.errors import DataError
from study.cli.arguments import parse_duration_s, require_one_of, resolve_gpus_per_trial
from study.cli.options import DeviceChoice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h1m1s", 3661),
        ("1.5h", 5400),
        ("30 m", 1800),
    ],
)
def test_a_time_is_read(text: str, expected: int) -> None:
    assert parse_duration_s("--time-budget", text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "30", "1:30", "m", "-5m", "NaT", "soon", "30 parsecs", "\u0661m"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"--time-budget is .*wanted: a time above 0"):
        parse_duration_s("--time-budget", text)


def test_another_word_is_refused_with_the_known_ones() -> None:
    assert require_one_of("--sampler", "gp", ("tpe", "gp")) == "gp"
    with pytest.raises(DataError, match="--sampler is 'GP'; wanted: tpe or gp"):
        require_one_of("--sampler", "GP", ("tpe", "gp"))


@pytest.mark.parametrize(
    ("device", "given", "expected"),
    [
        (DeviceChoice.AUTO, None, None),
        (DeviceChoice.AUTO, 0.5, 0.5),
        (DeviceChoice.CPU, None, 0.0),
        (DeviceChoice.CPU, 0, 0.0),
        (DeviceChoice.CUDA, None, 0.25),
        (DeviceChoice.CUDA, 1, 1),
    ],
)
def test_gpus(device: DeviceChoice, given: float | None, expected: float | None) -> None:
    assert resolve_gpus_per_trial(device, given) == expected


@pytest.mark.parametrize(("device", "given"), [(DeviceChoice.CPU, 0.5), (DeviceChoice.CUDA, 0)])
def test_a_device_and_gpus_that_contradict_each_other(device: DeviceChoice, given: float) -> None:
    with pytest.raises(DataError, match=f"--device {device} and --gpus-per-trial {given:g} contra"):
        resolve_gpus_per_trial(device, given)
