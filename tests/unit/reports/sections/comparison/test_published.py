"""The section beside the published values: whose numbers, and whether they can be judged."""

import pandas as pd
import pytest

from reports.format.units import BLANK
from reports.ledger.published import load_published
from reports.ledger.states import DataKind
from reports.sections.comparison import published
from reports.sections.elements import Section
from tests.helpers.report_frames import find_table, make_comparison, make_context, read_rows

REPRODUCTION = pd.DataFrame(
    {
        "configuration": ["mlnn-config-1", "cnn-config-1"],
        "family": ["mlnn", "cnn"],
        "published": [0.8856, 0.9419],
        "recomputed": [0.8866, 0.942],
        "recomputed_low": [0.876, 0.934],
        "recomputed_high": [0.897, 0.95],
        "replicates": [3, 0],
        "score": [0.8802, float("nan")],
        "score_low": [0.87, float("nan")],
        "score_high": [0.89, float("nan")],
        "prediction_interval_low": [0.86, float("nan")],
        "prediction_interval_high": [0.9, float("nan")],
        "p": [0.4, float("nan")],
        "p_holm": [0.8, float("nan")],
        "verdict": ["compatible", "uninformative"],
    }
)


def make_section(
    *, seeds: int = 3, kind: DataKind = DataKind.OFFICIAL, folds: int | None = None
) -> Section:
    section = published.make_section(
        reproduction=REPRODUCTION,
        comparison=make_comparison({"mlnn-config-1": 0.88}, seeds=seeds),
        context=make_context(data_kind=kind, folds=folds),
    )
    assert section is not None
    return section


def test_published_table_shows_theirs_recomputed_and_ours() -> None:
    section = make_section()
    assert section.key == "published"
    first, second = read_rows(find_table(section, "published"))
    assert first == {
        "configuration": "mlnn-config-1",
        "published": "88.56",
        "recomputed": "88.7",
        "recomputed_interval": "[87.6, 89.7]",
        "score": "88.0",
        "score_interval": "[87.0, 89.0]",
        "prediction_interval": "[86.0, 90.0]",
        "p_holm": "0.8000",
        "verdict": "compatible",
    }
    assert [second["score"], second["prediction_interval"]] == [BLANK, BLANK]
    assert section.bullets == load_published().discrepancies


def test_published_benchmark_has_every_method() -> None:
    table = find_table(make_section(), "benchmark")
    methods = load_published().benchmark["bloodmnist"]
    assert [row["method"] for row in read_rows(table)] == [row.method for row in methods]
    assert table.values["accuracy"].tolist() == [row.accuracy for row in methods]
    assert table.folded


@pytest.mark.parametrize(
    ("seeds", "kind", "n_caveats"),
    [(3, DataKind.OFFICIAL, 0), (1, DataKind.OFFICIAL, 1), (3, DataKind.FILE, 1)],
)
def test_published_caveats_depend_on_seeds_and_data(
    seeds: int, kind: DataKind, n_caveats: int
) -> None:
    section = make_section(seeds=seeds, kind=kind)
    assert len(section.paragraphs) == 1 + n_caveats
    is_named = any("official BloodMNIST" in text for text in section.paragraphs)
    assert is_named == (kind is DataKind.FILE)


def test_published_without_a_published_configuration_is_left_out() -> None:
    section = published.make_section(
        reproduction=pd.DataFrame(), comparison=make_comparison({"x": 0.5}), context=make_context()
    )
    assert section is None


def test_published_with_folds_names_the_other_training_images() -> None:
    without, with_folds = make_section(), make_section(folds=5)
    (caveat,) = set(with_folds.paragraphs) - set(without.paragraphs)
    assert "80%" in caveat
