"""What can go wrong, as one family; each class carries the exit code of the command."""


class StudyError(Exception):
    """Anything that ends a command with one line instead of a traceback.

    Attributes:
        exit_code: what the process returns; see the README's table.
    """

    exit_code = 1


class DataError(StudyError, ValueError):
    """A data file, or a value given by the user, is not what is needed."""

    exit_code = 2


class ResourceError(StudyError):
    """The machine lacks something: network, disk, GPU, a cluster that answers."""

    exit_code = 3


class ConflictError(StudyError):
    """A study's folder holds something else than what the command expects."""

    exit_code = 4
