"""A study in Python: frames that agree with the ledger, copies, names, documentation that runs."""

import doctest
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reports
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.location import RemotePath
from reports import Study, load_study
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.ledger.ledger import Ledger
from reports.ledger.test_predictions import TestPredictions
from reports.sections.findings import analyze
from reports.study import comparison_frames, trial_frames
from reports.study import study as study_module
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import ReportedStudy
from tests.helpers.s3 import S3_BUCKET, S3Server

ROOT = Path(__file__).parents[3]
PYTHON_DOCS = ROOT / "docs/how-to/notebook.md"
NAMES = ("mlnn-config-2", "cnn-config-2")
SMALL_SEARCH = replace(search_builder.SEARCH_RECORD, n_trials=50, retrain_top=2, retrain_seeds=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the studies that the documentation loads."""
    folder = tmp_path_factory.mktemp("docs")
    matrices = grid_builder.make_published_matrices(n_seeds=2)
    grid_builder.build_grid(folder / "results/demo", {name: matrices[name] for name in NAMES})
    search_builder.build_search(folder / "results/tuned", search=SMALL_SEARCH)
    return folder


@pytest.fixture(scope="module")
def demo(folder: Path) -> Study:
    return load_study(folder / "results/demo")


@pytest.fixture(scope="module")
def tuned(folder: Path) -> Study:
    return load_study(folder / "results/tuned")


@pytest.fixture
def unfinished(tmp_path: Path) -> Study:
    matrices = {name: grid_builder.make_published_matrices(3)[name] for name in NAMES}
    ledger = grid_builder.build_grid(
        tmp_path / "unfinished",
        matrices,
        failed_trials={("cnn-config-2", 0): "out of memory"},
        missing_trials={("cnn-config-2", 1), ("cnn-config-2", 2)},
    )
    next((ledger.folder / "epochs").glob("mlnn-config-2-s2-*")).unlink()
    return load_study(ledger.folder)


def test_docstring_examples_run(demo: Study, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    modules = (study_module, trial_frames, comparison_frames)
    results = [doctest.testmod(module, extraglobs={"study": demo}) for module in modules]
    assert sum(result.attempted for result in results) > 10
    assert sum(result.failed for result in results) == 0


def test_examples_of_the_documentation_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    text = PYTHON_DOCS.read_text(encoding="utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    examples = doctest.DocTestParser().get_doctest(
        "\n".join(blocks), {}, PYTHON_DOCS.name, str(PYTHON_DOCS), 0
    )
    result = doctest.DocTestRunner(optionflags=flags).run(examples)
    assert result.attempted > 10
    assert result.failed == 0


def test_load_study_imports_neither_torch_nor_ray(folder: Path) -> None:
    program = (
        "import sys\n"
        "import reports\n"
        "assert 'pandas' not in sys.modules\n"
        "from reports import load_study\n"
        "study = load_study('results/demo')\n"
        "study.comparison(), study.pairs(), study._repr_html_()\n"
        "print({'torch', 'ray', 'medmnist', 'optuna'} & sys.modules.keys())\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.strip() == "set()"


def test_load_study_from_an_address_gives_the_same_scores(
    demo: Study, tmp_path: Path, running: S3Server
) -> None:
    address = f"s3://{S3_BUCKET}/{tmp_path.name}/demo"
    matrices = grid_builder.make_published_matrices(n_seeds=2)
    grid_builder.build_grid(RemotePath(address), {name: matrices[name] for name in NAMES})
    pd.testing.assert_frame_equal(load_study(address).comparison(), demo.comparison())


def test_load_study_without_a_study_raises_conflict_error(tmp_path: Path) -> None:
    with pytest.raises(ConflictError):
        load_study(tmp_path)


def test_reports_without_the_attribute_raises_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = reports.nothing


def test_trials_of_an_unfinished_grid_has_every_planned_trial(unfinished: Study) -> None:
    states = unfinished.trials.set_index("trial")["state"].to_dict()
    assert states == {
        "mlnn-config-2-s0": "complete",
        "mlnn-config-2-s1": "complete",
        "mlnn-config-2-s2": "unreadable",
        "cnn-config-2-s0": "failed",
        "cnn-config-2-s1": "missing",
        "cnn-config-2-s2": "missing",
    }


def test_predictions_agree_with_the_confusion_of_the_seeds(demo: Study) -> None:
    trials = ["cnn-config-2-s0", "cnn-config-2-s1"]
    frames = [demo.predictions(trial) for trial in trials]
    counts = sum(
        pd.crosstab(frame["true_class"], frame["predicted_class"], dropna=False) for frame in frames
    )
    confusion = demo.confusion("cnn-config-2")
    np.testing.assert_array_equal(confusion.to_numpy(), np.asarray(counts))
    expected = sum(grid_builder.make_published_matrices(2)["cnn-config-2"])
    np.testing.assert_array_equal(confusion.to_numpy(), np.asarray(expected))
    assert not np.array_equal(confusion.to_numpy(), confusion.to_numpy().T)
    assert (confusion.index.name, confusion.columns.name) == ("true", "predicted")
    assert tuple(confusion.index) == tuple(confusion.columns) == demo.class_names


def test_confusion_normalized_is_the_shares_of_rows_or_columns(demo: Study) -> None:
    counts = demo.confusion("cnn-config-2")
    assert (counts.dtypes == "int64").all()
    pd.testing.assert_frame_equal(
        demo.confusion("cnn-config-2", normalize="true"), counts.div(counts.sum(axis=1), axis=0)
    )
    pd.testing.assert_frame_equal(
        demo.confusion("cnn-config-2", normalize="predicted"), counts / counts.sum()
    )


def test_class_scores_agree_with_the_comparison(demo: Study) -> None:
    scores = demo.class_scores()
    assert scores["class_name"].tolist() == [*demo.class_names] * 2
    means = scores.groupby("configuration", sort=False)[["recall", "f1", "auc"]].mean()
    comparison = demo.comparison().set_index("configuration")
    for mean, score in (("recall", "balanced_accuracy"), ("f1", "macro_f1"), ("auc", "auc")):
        np.testing.assert_allclose(means[mean], comparison[f"test_{score}"])


def test_cross_validation_has_a_row_per_configuration_with_documented_columns(
    demo: Study, tmp_path: Path
) -> None:
    assert demo.cross_validation().empty
    matrices = {name: [grid_builder.ASYMMETRIC] * 2 for name in ("cnn-config-1", "mlnn-config-1")}
    ledger = grid_builder.build_grid(tmp_path / "s", matrices, folds=2)
    frame = load_study(ledger.folder).cross_validation()
    assert frame["configuration"].tolist() == [*matrices]
    assert frame["replicates"].tolist() == [2, 2]
    documented = set(re.findall(r"`(\w+)`", Study.cross_validation.__doc__ or ""))
    assert {re.sub("_(sd|low|high)$", "", str(column)) for column in frame} <= documented


def test_class_scores_and_calibration_without_a_complete_trial_are_empty(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [grid_builder.ASYMMETRIC]}
    missing = [("cnn-config-1", 0)]
    study = load_study(
        grid_builder.build_grid(tmp_path / "s", matrices, missing_trials=missing).folder
    )
    assert study.class_scores().empty
    assert study.calibration().empty


def test_predictions_have_documented_dtypes_and_probabilities(demo: Study) -> None:
    frame = demo.predictions(demo.trials["id"][0])
    names = [f"probability_{i}" for i in range(8)]
    assert list(frame.columns) == ["true", "predicted", "true_class", "predicted_class", *names]
    assert [str(dtype) for dtype in frame.dtypes] == [
        *["int64"] * 2,
        *["category"] * 2,
        *["float32"] * 8,
    ]
    np.testing.assert_allclose(frame[names].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(frame[names].to_numpy().argmax(axis=1), frame["predicted"])
    accuracy = (frame["true"] == frame["predicted"]).mean()
    assert accuracy == pytest.approx(demo.trials["test_accuracy"][0])


@pytest.mark.parametrize("trial", ["cnn-config-2-s0", "cnn-config-2-s1", "mlnn-config-2-s2"])
def test_predictions_of_a_trial_without_any_raise_data_error(unfinished: Study, trial: str) -> None:
    with pytest.raises(DataError) as caught:
        unfinished.predictions(trial)
    assert caught.value.value == trial
    assert caught.value.remedy is not None


def test_predictions_of_an_unknown_trial_suggest_a_close_name(demo: Study) -> None:
    with pytest.raises(DataError) as caught:
        demo.predictions("cnn-config-2-s3")
    assert "cnn-config-2-s" in (caught.value.remedy or "")


def test_confusion_of_an_unknown_configuration_suggests_a_close_name(demo: Study) -> None:
    with pytest.raises(DataError) as caught:
        demo.confusion("cnn-konfig-2")
    assert "cnn-config-2" in (caught.value.remedy or "")


def test_confusion_without_a_complete_trial_raises_data_error(unfinished: Study) -> None:
    with pytest.raises(DataError) as caught:
        unfinished.confusion("cnn-config-2")
    assert caught.value.value == "cnn-config-2"


def test_learning_curves_have_a_row_per_complete_trial_and_epoch(unfinished: Study) -> None:
    curves, trials = unfinished.learning_curves(), unfinished.trials.set_index("trial")
    epochs = curves.groupby("trial")["epoch"].agg(["min", "max", "size"])
    complete = trials[trials["state"] == "complete"]
    assert sorted(epochs.index) == sorted(complete.index)
    assert (epochs["min"] == 1).all()
    assert (epochs["max"] == epochs["size"]).all()
    assert (epochs["max"] == complete["epochs"]).all()
    at_best = curves[curves["epoch"] == curves["best_epoch"]].set_index("trial")
    scores = complete["val_macro_f1"]
    np.testing.assert_allclose(at_best["val_macro_f1"].reindex(scores.index), scores)


def test_frames_changed_by_the_user_leave_the_study_as_it_was(demo: Study) -> None:
    getters: list[Callable[[], pd.DataFrame]] = [
        lambda: demo.trials,
        lambda: demo.predictions("cnn-config-2-s0"),
        demo.comparison,
        demo.pairs,
        demo.class_scores,
        demo.calibration,
        lambda: demo.confusion("cnn-config-2"),
        demo.learning_curves,
    ]
    for get_frame in getters:
        expected = get_frame().copy()
        changed = get_frame()
        for column in changed.select_dtypes("number"):
            changed.loc[:, column] = 0
        changed.pop(changed.columns[0])
        pd.testing.assert_frame_equal(get_frame(), expected)


def test_study_attributes_cannot_be_replaced(demo: Study) -> None:
    with pytest.raises(FrozenInstanceError):
        demo.loaded_study = demo.loaded_study  # type: ignore[misc]
    with pytest.raises(AttributeError):
        demo.trials = pd.DataFrame()  # type: ignore[misc]


def test_bootstrap_is_computed_once_for_all_frames(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, calls = load_study(folder / "results/demo"), []

    def count_and_run(predictions: TestPredictions) -> BootstrapScores:
        calls.append(predictions)
        return bootstrap_scores(predictions)

    monkeypatch.setattr("reports.study.results.bootstrap_scores", count_and_run)
    for _ in range(2):
        study.comparison()
        study.pairs()
        study._repr_html_()
    assert len(calls) == 1


def test_report_and_study_have_the_same_frames(folder: Path, tuned: Study) -> None:
    for name in ("demo", "tuned"):
        study = load_study(folder / "results" / name)
        analysis = analyze(Ledger(folder / "results" / name), None)
        pd.testing.assert_frame_equal(analysis.comparison, study.comparison())
        pd.testing.assert_frame_equal(analysis.pairwise.pairs, study.pairs())
        pd.testing.assert_frame_equal(analysis.trials, study.trials)


def test_search_trials_are_apart_from_re_trained_ones(tuned: Study) -> None:
    assert len(tuned.search_trials) == SMALL_SEARCH.n_trials
    assert {"complete", "pruned"} <= {*tuned.search_trials["state"]}
    assert not {*tuned.trials["trial"]} & {*tuned.search_trials["trial"]}
    assert {*tuned.confirmation()["configuration"]} == {*tuned.configurations}
    assert tuned.search_curves()["number"].nunique() == SMALL_SEARCH.n_trials


def test_predictions_of_a_search_trial_raise_data_error(tuned: Study) -> None:
    trial = tuned.search_trials["trial"][0]
    with pytest.raises(DataError) as caught:
        tuned.predictions(trial)
    assert caught.value.value == trial


@pytest.mark.parametrize("name", ["search_trials", "search_curves", "confirmation"])
def test_search_frames_of_a_grid_raise_data_error(demo: Study, name: str) -> None:
    with pytest.raises(DataError):
        getattr(demo, name)()


class Cells(HTMLParser):
    """Texts of a page by their tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "td":
            self.cells.append(data)


def test_repr_html_ranks_configurations_by_macro_f1_with_interval(demo: Study) -> None:
    page = Cells(demo._repr_html_())
    assert page.open == []
    assert page.cells[::4] == ["cnn-config-2", "mlnn-config-2"]
    row = demo.comparison().set_index("configuration").loc["cnn-config-2"]
    assert page.cells[2] == f"{100 * row['test_macro_f1']:.1f}"
    assert f"{100 * row['test_macro_f1_low']:.1f}" in page.cells[3]


def test_repr_html_sets_no_text_color_or_background_of_its_own(demo: Study) -> None:
    styles = ";".join(re.findall(r'style="([^"]*)"', demo._repr_html_()))
    assert {*re.findall(r"(?:^|[;\s])color: (\w+)", styles)} == {"inherit"}
    assert {*re.findall(r"background: (\w+)", styles)} == {"none"}


def test_repr_html_escapes_names(tmp_path: Path) -> None:
    matrix = grid_builder.make_published_matrices()["cnn-config-1"]
    ledger = grid_builder.build_grid(tmp_path / "a&b", {"<script>": matrix})
    page = load_study(ledger.folder)._repr_html_()
    assert "<script>" not in page
    assert Cells(page).cells[0] == "<script>"
    assert "a&amp;b" in page


@pytest.mark.parametrize("end", [True, False])
def test_repr_of_a_study_without_results_names_it(tmp_path: Path, end: bool) -> None:
    if end:
        search = replace(SMALL_SEARCH, retrain_top=0)
        ledger = search_builder.build_search(tmp_path / "early", search=search)
    else:
        ledger = grid_builder.build_grid(
            tmp_path / "early",
            {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]},
            missing_trials={("cnn-config-1", 0)},
        )
    study = load_study(ledger.folder)
    assert "early" in repr(study)
    assert "early" in study._repr_html_()
    assert Cells(study._repr_html_()).cells == []
    assert study.comparison()["replicates"].sum() == 0


def test_frames_of_a_cross_validation_have_fold_and_replicates(
    reported_folds: ReportedStudy,
) -> None:
    study = reported_folds.analysis.study
    assert study.trials["trial"].tolist()[-1] == "cnn-config-1-s0-f2"
    assert study.trials["fold"].tolist() == [0, 1, 2] * 2
    assert study.comparison()["replicates"].tolist() == [3, 3]
    assert study.pairs()["replicates"].tolist() == [3]
    assert study.calibration()["replicates"].tolist() == [3, 3]
    assert {*study.learning_curves()["replicate"]} == {"s0-f0", "s0-f1", "s0-f2"}
    assert study.confusion("cnn-config-1").to_numpy().sum() == 3 * ASYMMETRIC.sum()
