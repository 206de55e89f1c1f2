"""Checks of single values, which name the option that sets a value."""

from collections.abc import Collection

from bloodnets.errors import DataError

MAX_SEEDS = 1_000
MAX_TRIALS = 100_000
MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 100_000
MAX_WIDTH = 512
"""Upper bounds of counts. Above them, a plan fills the memory or PyTorch refuses the number."""


def require_at_least(option: str, value: int | None, minimum: int) -> None:
    """Refuse a number below its minimum; None stands for a default.

    Raises:
        DataError: The number is below its minimum.
    """
    if value is not None and not value >= minimum:
        raise DataError.of_value(option, value, f"at least {minimum}")


def require_choice(option: str, value: str, choices: Collection[str]) -> None:
    """Refuse a value that is not among the choices.

    Raises:
        DataError: The value is not among the choices.
    """
    if value not in choices:
        raise DataError.of_value(option, value, " or ".join(choices))
