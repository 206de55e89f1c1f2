"""Differences of confusion cells: known predictions in, known differences out."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from reports import figures
from reports.analysis import bootstrap, confusion_differences
from reports.format.text import DataLabel
from reports.ledger import loading
from reports.ledger.ledger import Ledger
from reports.sections.elements import Section
from reports.sections.errors import confusion_differences as section_module
from reports.sections.findings import analyze
from tests.helpers import grid_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC

Trial = tuple[str, str, int, Sequence[int]]  # name, family, seed, predicted classes
DATA = DataLabel(warning="", short="official BloodMNIST", full="official BloodMNIST")
LABELS = [str(c) for c in range(8)]


def made(labels: Sequence[int], *trials: Trial) -> loading.TestPredictions:
    """Trials that are certain of what they predict."""
    frame = pd.DataFrame(trials, columns=["configuration", "family", "seed", "predicted"])
    return loading.TestPredictions(
        trials=frame.drop(columns="predicted").assign(study="s", loss="nll", optimizer="sgd"),
        labels=np.array(labels, dtype=np.int64),
        probabilities=np.eye(8, dtype=np.float32)[np.array(frame["predicted"].tolist())],
    )


def cell(frame: pd.DataFrame, a: str, b: str, true: int, predicted: int) -> pd.Series:
    keys = (frame["a"] == a) & (frame["b"] == b)
    return frame[keys & (frame["true"] == true) & (frame["predicted"] == predicted)].iloc[0]


# Of 1,000 images of class 2, `good` takes 40 for class 5 and `poor` 130, of which 10 in common.
TRUE = [2] * 1000
GOOD = [5] * 40 + [2] * 960
POOR = [2] * 30 + [5] * 130 + [2] * 840


def test_a_difference_has_the_sign_and_the_place_of_the_images() -> None:
    frame = confusion_differences.compute_cell_differences(
        made(TRUE, ("poor", "cnn", 0, POOR), ("good", "cnn", 0, GOOD))
    )
    assert len(frame) == 64
    mistaken, right = (cell(frame, "good", "poor", 2, predicted) for predicted in (5, 2))
    assert (mistaken["count_a"], mistaken["count_b"], mistaken["difference"]) == (40, 130, -90)
    assert right["difference"] == 90
    assert cell(frame, "good", "poor", 5, 2)["difference"] == 0
    assert (mistaken["shade"], right["shade"]) == (-5, 5)


def test_the_interval_of_one_seed_is_that_of_the_discordant_images() -> None:
    frame = confusion_differences.compute_cell_differences(
        made(TRUE, ("good", "cnn", 0, GOOD), ("poor", "cnn", 0, POOR))
    )
    found = cell(frame, "good", "poor", 2, 5)
    # 120 images are the poor one's alone and 30 the good one's: a multinomial's variance.
    half = 1.96 * np.sqrt(30 + 120 - 90**2 / 1000)
    assert found["difference_high"] - found["difference"] == pytest.approx(half, rel=0.06)
    assert found["p_holm"] < 1e-9
    assert found["significant"]
    assert np.isnan(found["difference_sd"])


def test_p_is_corrected_for_the_64_cells_of_a_pair() -> None:
    # Two cells differ, by 1.9 standard errors and so by p = .06 each; the others do not.
    near = [5] * 13 + [2] * 987
    frame = confusion_differences.compute_cell_differences(
        made(TRUE, ("a", "cnn", 0, [2] * 1000), ("b", "cnn", 0, near))
    )
    found = cell(frame, "a", "b", 2, 5)
    assert 0 < found["p"] < 0.001
    assert found["p_holm"] == pytest.approx(64 * found["p"])


def test_equal_counts_of_other_images_are_not_the_same_function() -> None:
    other = [2] * 960 + [5] * 40
    trials = made(TRUE, ("a", "cnn", 0, GOOD), ("same", "cnn", 0, GOOD), ("other", "cnn", 0, other))
    frame = confusion_differences.compute_cell_differences(trials)
    assert (frame["difference"] == 0).all()
    assert confusion_differences.check_pairs_identical(frame) == {
        ("a", "same"): True,
        ("a", "other"): False,
        ("same", "other"): False,
    }


def test_only_seeds_that_both_have_are_compared() -> None:
    worse = [5] * 200 + [2] * 800
    frame = confusion_differences.compute_cell_differences(
        made(
            TRUE,
            ("a", "cnn", 0, GOOD),
            ("a", "cnn", 1, worse),
            ("b", "cnn", 2, POOR),
            ("b", "cnn", 0, POOR),
            ("alone", "cnn", 7, GOOD),
        )
    )
    assert list(confusion_differences.check_pairs_identical(frame)) == [("b", "a")] or list(
        confusion_differences.check_pairs_identical(frame)
    ) == [("a", "b")]
    assert frame["seeds"].tolist() == [1] * 64
    assert abs(cell(frame, frame["a"][0], frame["b"][0], 2, 5)["difference"]) == 90


def test_a_mean_over_seeds_has_its_spread() -> None:
    second = [5] * 50 + [2] * 950
    frame = confusion_differences.compute_cell_differences(
        made(
            TRUE,
            ("a", "cnn", 0, GOOD),
            ("a", "cnn", 1, second),
            ("b", "cnn", 0, POOR),
            ("b", "cnn", 1, POOR),
        )
    )
    found = cell(frame, "a", "b", 2, 5)
    assert (found["count_a"], found["difference"]) == (45, -85)
    assert found["difference_sd"] == pytest.approx(10 / np.sqrt(2))


def test_seeds_that_agree_by_luck_leave_the_luck_of_the_images() -> None:
    # Each seed of `a` gets two images wrong, other ones: 4 chances of 1 image, halved, is se 1.
    frame = confusion_differences.compute_cell_differences(
        made(
            TRUE,
            ("a", "cnn", 0, [5] * 2 + [2] * 998),
            ("a", "cnn", 1, [2] * 998 + [5] * 2),
            ("b", "cnn", 0, [2] * 1000),
            ("b", "cnn", 1, [2] * 1000),
        )
    )
    found = cell(frame, "b", "a", 2, 5)
    assert (found["difference"], found["difference_sd"]) == (-2, 0)
    assert found["difference_high"] == pytest.approx(-2 + 1.96, abs=0.1)
    assert not found["significant"]


def test_the_first_pair_is_the_best_of_two_families_and_no_twin() -> None:
    trials = made(
        TRUE,
        ("m", "mlnn", 0, POOR),
        ("c", "cnn", 0, GOOD),
        ("c-twin", "cnn", 0, GOOD),
        ("d", "cnn", 0, [5] * 41 + [2] * 959),
    )
    frame = confusion_differences.compute_cell_differences(trials)
    families = {"m": "mlnn", "c": "cnn", "c-twin": "cnn", "d": "cnn"}
    assert confusion_differences.rank_by_macro_f1(trials) == ["c", "c-twin", "d", "m"]
    assert confusion_differences.choose_first_pair(frame, families) == ("c", "m")
    assert confusion_differences.choose_first_pair(frame, dict.fromkeys(families, "cnn")) == (
        "c",
        "d",
    )


def test_compare_confusions_three_configurations_finds_twins_and_first_pair() -> None:
    trials = made(TRUE, ("m", "mlnn", 0, POOR), ("c", "cnn", 0, GOOD), ("twin", "cnn", 0, GOOD))
    differences = confusion_differences.compare_confusions(trials)
    assert differences.identical_pairs == {
        ("c", "twin"): True,
        ("c", "m"): False,
        ("twin", "m"): False,
    }
    assert differences.first_pair == ("c", "m")
    assert differences.n_configurations == 3
    assert len(differences.cells) == 3 * 64


@pytest.mark.parametrize("names", [[], ["a"], ["a", "twin"]])
def test_compare_confusions_without_different_pair_has_no_first_pair(names: list[str]) -> None:
    trials = made(TRUE, ("a", "cnn", 0, GOOD), ("twin", "cnn", 0, GOOD))
    is_kept = trials.trials["configuration"].isin(names).to_numpy()
    differences = confusion_differences.compare_confusions(
        replace(
            trials,
            trials=trials.trials[is_kept].reset_index(drop=True),
            probabilities=trials.probabilities[is_kept],
        )
    )
    assert differences.first_pair is None
    assert differences.n_configurations == len(names)


def test_the_best_are_compared_if_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion_differences, "MAX_COMPARED", 3)
    trials = made(
        TRUE[:100], *((f"c{i}", "cnn", 0, [5] * (9 - i) + [2] * (91 + i)) for i in range(5))
    )
    assert list(
        confusion_differences.check_pairs_identical(
            confusion_differences.compute_cell_differences(trials)
        )
    ) == [
        ("c4", "c3"),
        ("c4", "c2"),
        ("c3", "c2"),
    ]


def test_nothing_in_common_gives_an_empty_frame() -> None:
    frame = confusion_differences.compute_cell_differences(
        made(TRUE, ("a", "cnn", 0, GOOD), ("b", "cnn", 1, POOR))
    )
    assert frame.empty
    assert confusion_differences.check_pairs_identical(frame) == {}


def test_all_draws_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    trials = made(TRUE, ("a", "cnn", 0, GOOD), ("b", "cnn", 0, POOR))
    resampled = confusion_differences.bootstrap_cell_counts(trials, np.array([1, 0]))
    assert resampled.shape == (bootstrap.N_RESAMPLES, 2, 64)
    assert (resampled.sum(axis=2) == 1000).all()
    np.testing.assert_allclose(resampled[:, :, 2 * 8 + 5].mean(axis=0), [130, 40], rtol=0.02)
    monkeypatch.setattr(bootstrap, "_CHUNK_BYTES", 4 * 1000 * 700)
    in_chunks = confusion_differences.bootstrap_cell_counts(trials, np.array([1, 0]))
    np.testing.assert_array_equal(in_chunks, resampled)


def test_the_figure_shows_what_stands_in_the_cells_and_pales_what_could_be_chance() -> None:
    frame = confusion_differences.compute_cell_differences(
        made(TRUE, ("good", "cnn", 0, GOOD), ("poor", "cnn", 0, POOR))
    )
    frame = frame.assign(difference_text=[f"<{d:.0f}>" for d in frame["difference"]])
    frame.loc[(frame["true"] == 2) & (frame["predicted"] == 2), "significant"] = False
    figure = figures.draw_confusion_difference(frame, LABELS, data=DATA)
    axes = figure.axes[0]
    texts = {(text.get_position()[1], text.get_position()[0]): text for text in axes.texts}
    assert texts[(2, 5)].get_text() == "<-90>"
    assert texts[(2, 5)].get_color() == "white"
    assert texts[(2, 2)].get_color() == "#8A8A8A"
    shades = np.asarray(axes.images[0].get_array())
    assert (shades[2, 5], np.abs(shades).sum()) == (-5, 5)
    assert axes.get_title(loc="left") == "good \N{MINUS SIGN} poor"
    assert [text.get_text() for text in figure.texts] == ["Data: official BloodMNIST"]
    assert imread(io.BytesIO(figures.render_svg_and_png(figure)[1])).shape[1] > 900


BETTER = [ASYMMETRIC, grid_builder.worsen_matrix(ASYMMETRIC, n_moved=1)]
POORER = [
    grid_builder.worsen_matrix(ASYMMETRIC, n_moved=20),
    grid_builder.worsen_matrix(ASYMMETRIC, n_moved=22),
]


def make_difference_section(ledger: Ledger) -> Section | None:
    analysis = analyze(ledger, None)
    differences = confusion_differences.compare_confusions(analysis.study.loaded_study.predictions)
    return section_module.make_section(differences, context=analysis.context)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Section:
    """CNN 1 and its twin 3 beside MLNN 1, two seeds."""
    matrices = {"mlnn-config-1": POORER, "cnn-config-1": BETTER, "cnn-config-3": BETTER}
    ledger = grid_builder.build_grid(tmp_path_factory.mktemp("cells") / "s", matrices)
    section = make_difference_section(ledger)
    if section is None:
        raise AssertionError("no section")
    return section


def test_a_grid_a_pair_but_none_for_the_same_function_twice(shown: Section) -> None:
    minus = "\N{MINUS SIGN}"
    assert [grid.title for grid in shown.heat_maps] == [
        f"cnn-config-1 {minus} mlnn-config-1",
        f"cnn-config-3 {minus} mlnn-config-1",
    ]
    assert "1 of 3 pairs agree on every test image" in shown.paragraphs[-1]
    assert [picture.name for picture in shown.figures] == ["difference"]


def test_the_grid_holds_signed_means_faint_where_they_could_be_chance(shown: Section) -> None:
    # Of class 3, the MLNN names 20 and 22 images wrongly as 6; the CNN none, and then one.
    cells_of_3 = shown.heat_maps[0].cells[3]
    minus = "\N{MINUS SIGN}"
    assert [cell.text for cell in cells_of_3] == [
        *("0.0", "0.0", "0.0", "+20.5", "0.0", "0.0", f"{minus}20.5", "0.0")
    ]
    assert (cells_of_3[3].shade, cells_of_3[6].shade) == (5, -5)
    assert [cell.faint for cell in cells_of_3] == [c not in (3, 6) for c in range(8)]
    assert all(cell.shade == 0 for row in shown.heat_maps[0].cells for cell in row if cell.faint)


def test_the_page_lists_findings_and_the_file_everything(shown: Section) -> None:
    (table,) = shown.tables
    findings_of_first = sum(not cell.faint for row in shown.heat_maps[0].cells for cell in row)
    assert table.folded
    assert len(table.rows) == findings_of_first > 0
    assert len(table.values) == 3 * 64
    assert f"{findings_of_first} cells of 64" in shown.paragraphs[1]


def test_one_function_has_no_such_section(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": BETTER[:1]}
    assert make_difference_section(grid_builder.build_grid(tmp_path / "one", matrices)) is None
    same_pair = dict.fromkeys(("cnn-config-1", "cnn-config-3"), BETTER[:1])
    assert make_difference_section(grid_builder.build_grid(tmp_path / "two", same_pair)) is None
