"""Convert records of an older version of the file format to the current version, as they are read.

A study has the version in its `study.json`; its other files have none. Reading changes no file:
each record is converted in memory, by one step per version. `upgrade_study` rewrites the files
before a study is resumed, `study.json` last. If it is interrupted, records of both versions are in
one study. A step therefore leaves a record that has already been converted as it is.

To add a version, raise `SCHEMA_VERSION` and add the steps from the version before it to `_STEPS`.
"""

import json
from collections.abc import Callable, Mapping

from reports.ledger.records import SCHEMA_VERSION, StudyRecord, TrialRecord

_Content = dict[str, object]
"""Record as parsed from JSON."""


def _convert_study_of_version_3(content: _Content) -> _Content:
    data = content.get("data")
    if isinstance(data, dict):  # otherwise, parsing the record reports it
        data = {"dropped": None, "duplicates": None, "test_sha256": None} | data
    return content | {"schema_version": 4, "data": data}


def _convert_study_of_version_4(content: _Content) -> _Content:
    data = content.get("data")
    if isinstance(data, dict):  # version 4 had color images of 28 x 28 pixels only
        data = {"channels": 3, "side": 28, "groups": None} | data
    grid = content.get("grid")
    if isinstance(grid, dict):
        grid = {"folds": None} | grid
    return content | {"schema_version": 5, "data": data, "grid": grid}


def _convert_trial_of_version_3(content: _Content) -> _Content:
    return {"versions": None} | content


_STEPS: Mapping[int, Mapping[type, Callable[[_Content], _Content]]] = {
    3: {StudyRecord: _convert_study_of_version_3, TrialRecord: _convert_trial_of_version_3},
    4: {StudyRecord: _convert_study_of_version_4},
}
"""Functions that convert a record to the next version, by version and type of record."""

FIRST_VERSION_WITH_LOG = 4
"""First version of the file format in which a study has `events.jsonl`."""

READABLE_VERSIONS = (*_STEPS, SCHEMA_VERSION)
"""Versions of the file format that can be read, in ascending order."""


def migrate(record_type: type, text: bytes, version: int) -> bytes:
    """Return the JSON of a record in the current version of the file format.

    Args:
        record_type: Type of the record.
        text: UTF-8 JSON. A text that is not a JSON object is returned as it is.
        version: Version of the study, one of `READABLE_VERSIONS`.
    """
    steps = [
        step
        for older in range(version, SCHEMA_VERSION)
        if (step := _STEPS[older].get(record_type)) is not None
    ]
    if not steps:
        return text
    try:
        content = json.loads(text)
    except ValueError:
        return text
    if not isinstance(content, dict):
        return text
    for step in steps:
        content = step(content)
    return json.dumps(content).encode()
