"""The records of the file format: written and read without loss, and told apart by a hash."""

import json
from dataclasses import replace

import pytest

from bloodnets.constants import CLASS_NAMES
from reports.ledger.data_record import DataRecord
from reports.ledger.records import (
    EpochRecord,
    SoftwareChange,
    SoftwareRecord,
    StudyRecord,
    TestEvaluation,
    TrialRecord,
    compute_fingerprint,
)
from reports.ledger.serialization import from_json, to_json
from reports.ledger.states import DataKind, StudyKind
from tests.helpers.grid_builder import (
    ASYMMETRIC,
    COLOR_STATS,
    SOFTWARE,
    make_config,
    make_grid_record,
)
from tests.helpers.planted_study import make_trial_record
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, SEARCH_RECORD

GRID = make_grid_record("s", DataKind.FILE, CLASS_NAMES, ASYMMETRIC, [])
TRIAL = make_trial_record("cnn-config-1-s0", "cnn-config-1", make_config("cnn-config-1"))
EPOCH = EpochRecord(
    epoch=1, train_loss=1.5, val_loss=1.25, val_accuracy=0.5, val_macro_f1=0.25, duration_s=2.5
)
EVALUATION = TestEvaluation(
    trial_id="cnn-config-1-s0", evaluated_at="2026-01-02T03:04:05Z", reason="planned"
)
DATA = DataRecord(
    kind=DataKind.SYNTHETIC,
    name="x",
    md5=None,
    sha256="ab" * 32,
    class_names=(),
    channels=3,
    side=28,
    class_counts={},
    path=None,
    color_stats=COLOR_STATS,
    dropped=None,
    duplicates=None,
    groups=None,
    test_sha256=None,
)
IDS = ["a-s0-1", "b-s0-2"]


@pytest.mark.parametrize(
    "record",
    [
        GRID,
        replace(GRID, kind=StudyKind.SEARCH, grid=None, search=SEARCH_RECORD),
        replace(GRID, kind=StudyKind.SEARCH, grid=None, search=RESNET_SEARCH_RECORD),
        replace(
            GRID, resources=replace(GRID.resources, gpus_per_trial={"cnn": 0.25, "resnet": 1.0})
        ),
        TRIAL,
        replace(TRIAL, scores={"val": {"auc": None, "accuracy": 0.5}}, files={"a": "b"}),
        EPOCH,
        EVALUATION,
        SoftwareChange(changed_at="2026-01-02T03:04:05Z", software=SOFTWARE),
    ],
    ids=lambda record: type(record).__name__,
)
def test_record_written_and_read_is_equal(
    record: StudyRecord | TrialRecord | EpochRecord | TestEvaluation | SoftwareChange,
) -> None:
    assert from_json(type(record), to_json(record, indent=2)) == record


def test_study_record_in_json_has_its_fields_as_keys() -> None:
    values = json.loads(to_json(GRID, indent=None))
    assert list(values) == list(StudyRecord.__dataclass_fields__)
    assert values["kind"] == "grid"
    assert values["data"]["class_counts"]["test"] == ASYMMETRIC.sum(axis=1).tolist()
    assert values["resources"]["cluster_address"] is None


def test_software_sha256_depends_on_versions_and_sources_but_not_on_the_commit() -> None:
    assert len(SOFTWARE.sha256) == 64
    assert replace(SOFTWARE, commit=None).sha256 == SOFTWARE.sha256
    versions = SOFTWARE.versions | {"torch": "2.14.0"}  # type: ignore[operator]
    sources = SOFTWARE.sources | {"study": "e" * 64}  # type: ignore[operator]
    others = (replace(SOFTWARE, versions=versions), replace(SOFTWARE, sources=sources))
    assert len({other.sha256 for other in (SOFTWARE, *others)}) == 3


def test_software_sha256_ignores_the_order_of_names() -> None:
    swapped = SoftwareRecord(
        versions=dict(sorted(SOFTWARE.versions.items(), reverse=True)),
        sources=dict(sorted(SOFTWARE.sources.items(), reverse=True)),
        commit=None,
    )
    assert swapped.sha256 == SOFTWARE.sha256


def test_compute_fingerprint_is_the_known_one() -> None:
    grid = compute_fingerprint(DATA, IDS, SOFTWARE, None)
    assert grid == "e2ee7f9bb5fd2589c54242cbc21d3a9e0b31e89678d7c54766c8dda78e686d14"
    search = compute_fingerprint(DATA, [], SOFTWARE, SEARCH_RECORD)
    assert search == "1a23699bceed21d071c3c6840a096c80171f7b29ac9e51a6d9c4dbd04d83f7f6"


@pytest.mark.parametrize(
    "fingerprint",
    [
        compute_fingerprint(replace(DATA, sha256="cd" * 32), [], SOFTWARE, SEARCH_RECORD),
        compute_fingerprint(replace(DATA, dropped={}), [], SOFTWARE, SEARCH_RECORD),
        compute_fingerprint(DATA, IDS, SOFTWARE, SEARCH_RECORD),
        compute_fingerprint(DATA, [], replace(SOFTWARE, versions={}), SEARCH_RECORD),
        compute_fingerprint(DATA, [], SOFTWARE, replace(SEARCH_RECORD, precision="bfloat16")),
    ],
    ids=["data", "dropped", "trials", "software", "search"],
)
def test_compute_fingerprint_of_anything_else_differs(fingerprint: str) -> None:
    assert fingerprint != compute_fingerprint(DATA, [], SOFTWARE, SEARCH_RECORD)


def test_compute_fingerprint_depends_on_the_order_of_the_trials() -> None:
    swapped = compute_fingerprint(DATA, IDS[::-1], SOFTWARE, None)
    assert swapped != compute_fingerprint(DATA, IDS, SOFTWARE, None)
