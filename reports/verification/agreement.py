"""Compare a value in a file of a study with the expected value."""

from bloodnets.errors import ConflictError


def expect_equal(
    file_name: str, quantity: str, stored: object, expected: object, source: str
) -> None:
    """Compare a value in a file with the expected value.

    Args:
        file_name: Path of the file in the study's folder.
        quantity: Name of the quantity, used in messages.
        stored: Value in the file.
        expected: Expected value.
        source: Source of the expected value, used in messages after "from".

    Raises:
        ConflictError: The values differ; its `path` is `file_name`, its `value` is `stored`.
    """
    if stored != expected:
        raise ConflictError(
            f"{file_name}: {quantity} is {stored!s:.160}, expected {expected!s:.160} "
            f"(from {source})",
            path=file_name,
            value=stored,
        )
