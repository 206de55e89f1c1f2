"""Check single values; the errors name the option that sets the value."""

from collections.abc import Collection

from bloodnets.errors import DataError

# Upper bounds of counts. Above them, a plan fills the memory or PyTorch rejects the number.
MAX_SEEDS = 1_000
MAX_TRIALS = 100_000
MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 100_000
MAX_WIDTH = 512


def require_at_least(option: str, value: int | None, minimum: int) -> None:
    """Check that a number is not below its minimum; None stands for a default.

    Raises:
        DataError: The number is below its minimum.
    """
    if value is not None and not value >= minimum:
        raise DataError.of_value(option, value, f"at least {minimum}")


def require_choice(option: str, value: str, choices: Collection[str]) -> None:
    """Check that a value is among the choices.

    Raises:
        DataError: The value is not among the choices.
    """
    if value not in choices:
        raise DataError.of_value(option, value, " or ".join(choices))
