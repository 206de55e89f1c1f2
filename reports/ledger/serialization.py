"""Records to JSON and back.

Both directions are strict: a missing key, an unknown key or a wrong type is an error, never a
default.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

STRICT = ConfigDict(extra="forbid", ser_json_inf_nan="null")


RecordT = TypeVar("RecordT")


def to_json(record: RecordT, *, indent: int | None) -> bytes:
    """UTF-8 JSON; NaN becomes null; `indent=None` gives one line."""
    return _get_adapter(type(record)).dump_json(record, indent=indent)


def from_json(record_type: type[RecordT], text: bytes) -> RecordT:
    """The inverse of `to_json`.

    Raises:
        ValueError: not JSON, or not exactly the keys and types of `record_type`.
    """
    record: RecordT = _get_adapter(record_type).validate_json(text)
    return record


def read_schema_version(text: bytes) -> object:
    """Return the schema version that a `study.json` of any version states; None if it states none.

    The record of another version cannot be parsed, so its version is read before.
    """
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content.get("schema_version") if isinstance(content, dict) else None


# Made once a type: it takes longer than to read a record with it.
_get_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
