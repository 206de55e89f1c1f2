"""The section on configurations that differ only in the loss."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.format.text import DataLabel
from reports.format.units import BLANK
from reports.sections.comparison import equivalent_losses
from tests.helpers.report_frames import OFFICIAL, SYNTHETIC, find_table, read_column, read_rows

PAIRS = pd.DataFrame(
    {
        "cross_entropy": ["cnn-config-1", "cnn-config-2"],
        "nll": ["cnn-config-3", "cnn-config-4"],
        "replicates": [3, 2],
        "n_predictions": [10263, 6842],
        "n_differing": [0, 4],
        "first_loss_difference": [0.0, 0.1],
        "has_negative_loss": [False, False],
    }
)
REPLICATE_NOISE = pd.DataFrame(
    {
        "family": "cnn",
        "cross_entropy": PAIRS["cross_entropy"],
        "nll": PAIRS["nll"],
        "published_cross_entropy": [0.9419, 0.935],
        "published_nll": [0.94, 0.9],
        "published_difference": [0.0019, 0.035],
        "replicate_sd": [0.003, 0.003],
        "replicate_dof": 4,
        "limit": [0.0118, 0.0118],
        "within_limit": [True, False],
    }
)
LOSSES = EquivalentLosses(pairs=PAIRS, replicate_noise=REPLICATE_NOISE, negative_loss_trials=())


def test_equivalent_losses_table_counts_differing_predictions() -> None:
    section = equivalent_losses.make_section(LOSSES, data=OFFICIAL)
    assert section is not None
    assert section.key == "equivalent-losses"
    assert read_rows(find_table(section, "equivalent-losses"))[1] == {
        "cross_entropy": "cnn-config-2",
        "nll": "cnn-config-4",
        "replicates": "2",
        "n_predictions": "6,842",
        "n_differing": "4",
    }


def test_equivalent_losses_published_differences_are_judged_by_their_limit() -> None:
    table = find_table(
        equivalent_losses.make_section(LOSSES, data=OFFICIAL), "published-differences"
    )
    assert read_column(table, "published_difference") == ["+0.19", "+3.50"]
    assert read_column(table, "limit") == ["1.18", "1.18"]
    within, beyond = read_column(table, "verdict")
    assert within != beyond
    assert "verdict" not in table.values


@pytest.mark.parametrize(
    ("replicate_noise", "data"),
    [(REPLICATE_NOISE.iloc[:0], OFFICIAL), (REPLICATE_NOISE, SYNTHETIC)],
)
def test_equivalent_losses_without_published_pairs_have_one_table(
    replicate_noise: pd.DataFrame, data: DataLabel
) -> None:
    losses = EquivalentLosses(pairs=PAIRS, replicate_noise=replicate_noise, negative_loss_trials=())
    section = equivalent_losses.make_section(losses, data=data)
    assert section is not None
    assert [table.name for table in section.tables] == ["equivalent-losses"]


def test_equivalent_losses_without_a_limit_have_no_basis_for_a_verdict() -> None:
    noise = REPLICATE_NOISE.assign(seed_sd=np.nan, limit=np.nan, within_limit=None)
    losses = EquivalentLosses(pairs=PAIRS, replicate_noise=noise, negative_loss_trials=())
    table = find_table(
        equivalent_losses.make_section(losses, data=OFFICIAL), "published-differences"
    )
    assert read_column(table, "limit") == [BLANK, BLANK]
    assert read_column(table, "verdict") == ["no basis", "no basis"]


def test_equivalent_losses_without_a_pair_are_left_out() -> None:
    losses = EquivalentLosses(
        pairs=PAIRS.iloc[:0], replicate_noise=REPLICATE_NOISE.iloc[:0], negative_loss_trials=()
    )
    assert equivalent_losses.make_section(losses, data=OFFICIAL) is None


def make_losses(
    *, n_differing: int, first_loss_difference: float = 0.0, has_negative_loss: bool = False
) -> EquivalentLosses:
    pairs = pd.DataFrame(
        {
            "cross_entropy": ["cnn-config-1"],
            "nll": ["cnn-config-3"],
            "replicates": [2],
            "n_predictions": [7200],
            "n_differing": [n_differing],
            "first_loss_difference": [first_loss_difference],
            "has_negative_loss": [has_negative_loss],
        }
    )
    return EquivalentLosses(pairs=pairs, replicate_noise=pd.DataFrame(), negative_loss_trials=())


def describe(losses: EquivalentLosses, data: DataLabel = OFFICIAL) -> tuple[str, ...]:
    section = equivalent_losses.make_section(losses, data=data)
    assert section is not None
    return section.paragraphs


def test_equivalent_losses_gives_one_cause_for_each_kind_of_difference() -> None:
    causes = []
    for options in (
        {"has_negative_loss": True},
        {"first_loss_difference": ROUNDING_TOLERANCE},
        {"first_loss_difference": 2 * ROUNDING_TOLERANCE},
    ):
        losses = make_losses(n_differing=4, **options)
        first, cause = describe(losses)
        assert "7,200" in first
        assert "4" in first
        assert "cnn-config-1" in cause
        assert "cnn-config-3" in cause
        causes.append(cause)
    assert len(set(causes)) == 3


def test_equivalent_losses_of_equal_predictions_has_no_cause() -> None:
    (text,) = describe(make_losses(n_differing=0))
    assert "7,200" in text
    assert "cnn-config" not in text


@pytest.mark.parametrize(
    ("limit", "dof", "data", "n_more"),
    [
        (0.01, 2, OFFICIAL, 0),
        (np.nan, 0, OFFICIAL, 1),
        (np.nan, 2, OFFICIAL, 1),
        (0.01, 2, SYNTHETIC, 0),
    ],
)
def test_equivalent_losses_explains_the_limit_of_real_cells(
    limit: float, dof: int, data: DataLabel, n_more: int
) -> None:
    noise = REPLICATE_NOISE.assign(limit=limit, replicate_dof=dof)
    texts = describe(replace(make_losses(n_differing=0), replicate_noise=noise), data)
    assert len(texts) == 1 + n_more
    assert ("--seeds" in texts[-1]) == (dof == 0)
