"""Convert records to JSON and back.

Both directions are strict: a missing key, an unknown key or a wrong type is an error.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

STRICT = ConfigDict(extra="forbid", ser_json_inf_nan="null")


RecordT = TypeVar("RecordT")


def to_json(record: RecordT, *, indent: int | None) -> bytes:
    """Return a record as UTF-8 JSON, with null for NaN.

    Args:
        record: Record of any type in this package.
        indent: Spaces per level; None writes everything on one line.
    """
    return _get_adapter(type(record)).dump_json(record, indent=indent)


def from_json(record_type: type[RecordT], text: bytes) -> RecordT:
    """Return the record in a JSON text, the inverse of `to_json`.

    Args:
        record_type: Type of the record.
        text: UTF-8 JSON.

    Raises:
        ValueError: The text is not JSON, or has not exactly the keys and types of `record_type`.
    """
    record: RecordT = _get_adapter(record_type).validate_json(text)
    return record


def read_schema_version(text: bytes) -> object:
    """Return the schema version in a `study.json` of any version; None if it has none.

    A record of another version cannot be parsed, so its version is read first.
    """
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content.get("schema_version") if isinstance(content, dict) else None


# Cached per type, because creating an adapter takes longer than reading a record with it.
_get_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
