"""Convert Typer's errors to `DataError`, so that every command fails with one line."""

import typer
from pydantic import ValidationError
from typer.core import TyperArgument, TyperOption

from bloodnets.errors import DataError, suggest_names

Parameter = TyperOption | TyperArgument


def to_data_error(error: typer.TyperException) -> DataError:
    """Return an error with the option, its value, the expected values and a remedy.

    Args:
        error: Error that Typer raised.
    """
    parameter = error.param if isinstance(error, typer.BadParameter) else None
    if isinstance(error.__cause__, ValidationError) and isinstance(parameter, Parameter):
        return _make_value_error(parameter, error.__cause__)
    # Typer does not export the classes that have these attributes.
    unknown_option = getattr(error, "option_name", "")
    suggestion = suggest_names(unknown_option, getattr(error, "possibilities", None) or ())
    context = getattr(error, "ctx", None)
    message = error.message if suggestion else error.format_message()
    problem = message.rstrip(".")
    if suggestion is None and context is not None:
        suggestion = f"see '{context.command_path} --help'"
    return DataError(problem[:1].lower() + problem[1:], remedy=suggestion)


def _make_value_error(parameter: Parameter, cause: ValidationError) -> DataError:
    name = max(parameter.opts, key=len)
    if isinstance(parameter, TyperArgument):
        name = parameter.metavar or name
    descriptor = parameter.type_descriptor
    limits = descriptor.parameter_info
    detail = cause.errors()[0]
    value = detail["input"]
    reason = detail.get("ctx", {}).get("error")
    if descriptor.choices is not None:
        return DataError.of_value(name, value, " or ".join(map(str, descriptor.choices)))
    if isinstance(reason, DataError):
        return DataError.of_value(name, value, reason.expected or str(reason))
    bounds = _describe_bounds(limits.min, limits.max)
    if detail["type"] in {"greater_than_equal", "less_than_equal"} and bounds is not None:
        number = float(value) if descriptor.annotation is float else int(value)
        return DataError.of_value(name, number, bounds)
    kind = "a whole number" if detail["type"].startswith("int") else "a number"
    return DataError.of_value(name, value, f"{kind}, {bounds}" if bounds else kind)


def _describe_bounds(minimum: float | None, maximum: float | None) -> str | None:
    if minimum is None:
        return None
    return f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
