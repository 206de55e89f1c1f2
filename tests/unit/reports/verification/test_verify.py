"""A study is held against itself: intact it passes, and whatever is changed in it is named."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.records import DataRecord, compute_fingerprint
from reports.ledger.states import DataKind
from reports.page.publish import write_report
from reports.verification import report as report_check
from reports.verification.verify import DisagreementError, UnplannedTrialError, verify_study
from tests.helpers import grid_builder
from tests.helpers.search_builder import SEARCH_RECORD

MATRIX = np.diag([20, 30, 15, 12, 10, 8, 6, 5]).astype(np.int64)
MATRIX[0, 1] = 6
MATRIX[3, 6] = 3
OTHER = grid_builder.worsen_matrix(MATRIX, n_moved=2)
MATRICES = {"cnn-config-1": [MATRIX, OTHER], "mlnn-config-2": [OTHER, MATRIX]}
SCORES = ("accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "auc")
KINDS = {"trials": "json", "epochs": "jsonl", "predictions": "npz", "models": "safetensors"}

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grid_builder.build_grid(tmp_path_factory.mktemp("verify") / "study", MATRICES).folder


@pytest.fixture(scope="module")
def report(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the original study, which has none in its folder."""
    output_folder = tmp_path_factory.mktemp("verify") / "report"
    return write_report(Ledger(original), folder=output_folder).parent


@pytest.fixture
def study(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "study"))


@pytest.fixture
def reported(study: Path, report: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study whose report is made again by copying the one that its ledger gives."""
    shutil.copytree(report, study / "report")

    def copied(ledger: Ledger, *, folder: Path, images: object) -> Path:
        return Path(shutil.copytree(report, folder)) / "index.html"

    monkeypatch.setattr(report_check, "write_report", copied)
    return study


def find_disagreement(folder: Path) -> DisagreementError:
    with pytest.raises(DisagreementError) as caught:
        list(verify_study(Ledger(folder)))
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    return caught.value


def disagreement(folder: Path) -> str:
    return str(find_disagreement(folder))


def ids(folder: Path) -> list[str]:
    return [planned.id for planned in Ledger(folder).study.trials]


def edit(path: Path, keys: tuple[str | int, ...], change: Callable[[Any], Any]) -> None:
    """Change one value of a JSON file."""
    content = json.loads(path.read_text())
    inner = reduce(lambda part, key: part[key], keys[:-1], content)
    inner[keys[-1]] = change(inner[keys[-1]])
    path.write_text(json.dumps(content))


def mend(folder: Path, name: str) -> None:
    """Make a trial's record agree with a file of it that was changed."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    record = folder / "trials" / f"{Path(name).stem}.json"
    edit(record, ("files", name), lambda _: digest)


def rewrite(folder: Path, trial: str, change: Callable[[Arrays], None]) -> str:
    """Change a trial's predictions, and the hash with them; returns the file's name."""
    name = f"predictions/{trial}.npz"
    with np.load(folder / name, allow_pickle=False) as stored:
        arrays: Arrays = dict(stored)
    change(arrays)
    np.savez(folder / name, allow_pickle=False, **arrays)
    mend(folder, name)
    return name


def rewrite_epochs(
    folder: Path, trial: str, change: Callable[[list[dict[str, Any]]], object]
) -> str:
    """Change a trial's epochs, and the hash with them; returns the file's name."""
    name = f"epochs/{trial}.jsonl"
    epochs = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    change(epochs)
    (folder / name).write_text("".join(json.dumps(epoch) + "\n" for epoch in epochs))
    mend(folder, name)
    return name


def rewrite_evaluations(folder: Path, change: Callable[[list[str]], list[str]]) -> str:
    path = folder / "test_evaluations.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))
    return disagreement(folder)


def test_an_intact_study_passes_with_a_line_for_each_check(study: Path) -> None:
    assert list(verify_study(Ledger(study))) == [
        "study.json: the fingerprint follows from data, settings, seeds and software",
        "4 trials: each record is as planned, with fingerprint and software",
        "12 files: each is the one that was entered, by its SHA-256",
        "4 looks at test: one for each trial with scores on test",
        "48 scores: each follows from the stored predictions, whose labels are the same in every "
        "trial and whose probabilities sum to 1",
        "126 epochs: the best was kept, and training stopped where it should",
        "There is no report to compare",
    ]


def test_the_digest_is_that_of_all_eight_configurations(tmp_path: Path) -> None:
    """`TrialConfig.compute_digest` makes ids, and a study that has not run is no disagreement."""
    names = list(grid_builder.make_published_matrices())
    matrices = {name: [MATRIX] for name in names}
    ledger = grid_builder.build_grid(
        tmp_path / "s", matrices, missing_trials=[(name, 0) for name in names]
    )
    lines = list(verify_study(ledger))
    assert lines[1].startswith("0 trials: ")
    assert lines[2].startswith("8 trials not run, and without a trace: mlnn-config-1-s0-")


def test_failed_and_missing_trials_are_no_disagreement(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        MATRICES,
        failed_trials={("cnn-config-1", 0): "loss is nan"},
        missing_trials=[("mlnn-config-2", 1)],
    )
    lines = list(verify_study(ledger))
    assert lines[1].startswith("3 trials: ")
    assert lines[2].startswith("1 trial not run, and without a trace: mlnn-config-2-s1-")


def test_an_undefined_score_passes_as_none(tmp_path: Path) -> None:
    matrix = MATRIX.copy()
    matrix[7, 7] = 1  # so that val has no image of the class, and no AUC
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [matrix]})
    (record,) = ledger.read_trials()
    assert record.scores["val"]["auc"] is None
    assert len(list(verify_study(ledger))) == 7


def test_the_fingerprint_is_a_known_one() -> None:
    data = DataRecord(
        kind=DataKind.SYNTHETIC,
        name="x",
        md5=None,
        sha256="ab" * 32,
        class_names=(),
        class_counts={},
        path=None,
        color_stats=grid_builder.COLOR_STATS,
    )
    made = compute_fingerprint(data, ["a-s0-1", "b-s0-2"], grid_builder.SOFTWARE, None)
    assert made == "e2ee7f9bb5fd2589c54242cbc21d3a9e0b31e89678d7c54766c8dda78e686d14"
    of_search = compute_fingerprint(data, [], grid_builder.SOFTWARE, SEARCH_RECORD)
    assert of_search == "1a23699bceed21d071c3c6840a096c80171f7b29ac9e51a6d9c4dbd04d83f7f6"
    other = replace(SEARCH_RECORD, precision="bfloat16")
    assert compute_fingerprint(data, [], grid_builder.SOFTWARE, other) != of_search


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("score", SCORES)
def test_a_changed_score_is_named(study: Path, split: str, score: str) -> None:
    trial = ids(study)[2]
    edit(study / f"trials/{trial}.json", ("scores", split, score), lambda x: x + 1e-6)
    said = disagreement(study)
    assert said.startswith(f"trials/{trial}.json says that {score} on {split} is ")
    assert f"predictions/{trial}.npz gives" in said


def test_a_score_that_is_none_is_named(study: Path) -> None:
    trial = ids(study)[0]
    edit(study / f"trials/{trial}.json", ("scores", "test", "auc"), lambda _: None)
    assert f"trials/{trial}.json says that auc on test is None" in disagreement(study)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("id",), "other", "belongs to another study"),
        (("fingerprint",), "0" * 64, "belongs to another study"),
        (("configuration",), "cnn-config-3", "the configuration is cnn-config-3"),
        (("config", "learning_rate"), 0.02, "learning_rate is 0.02; study.json gives 0.01"),
        (("config", "seed"), 1, "seed is 1; study.json gives 0"),
        (("state",), "failed", "the list of files is"),
        (("stop_reason",), "max_epochs", "the reason to stop is max_epochs"),
        (("stop_reason",), "error", "the reason to stop error"),
        (("error",), "no room", "the error 'no room'"),
        (("attempts",), 0, "0 attempts"),
        (("epochs",), 31, "the number of epochs is 31"),
        (("best_epoch",), 19, "the best epoch is 19"),
        (("scores",), {}, "scores on ()"),
        (("files",), {}, "the list of files is []"),
    ],
)
def test_a_changed_record_is_named(
    study: Path, keys: tuple[str, ...], value: object, said: str
) -> None:
    name = f"trials/{ids(study)[0]}.json"
    edit(study / name, keys, lambda _: value)
    found = disagreement(study)
    assert name in found
    assert said in found


def test_a_changed_start_is_found_by_its_look(study: Path) -> None:
    trial = ids(study)[0]
    edit(study / f"trials/{trial}.json", ("started_at",), lambda x: x.replace("03", "04"))
    said = disagreement(study)
    assert said.startswith("test_evaluations.jsonl says that the start of")
    assert f"trials/{trial}.json" in said


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("trials", 1, "config", "learning_rate"), 0.02, "the digest of the settings of cnn-"),
        (("trials", 1, "config", "seed"), 7, "the digest of the settings of cnn-config-1-s1-"),
        (("trials", 1, "config", "patience"), 0, "the digest of the settings of cnn-config-1-s1-"),
        (("software", "versions", "torch"), "2.14.0", "its fingerprint is"),
        (("data", "sha256"), "f" * 64, "its fingerprint is"),
        (("fingerprint",), "f" * 64, "its fingerprint is ffff"),
        (("data", "class_counts", "val", 2), 9, "the number of val images of each class"),
        (("data", "class_counts", "test", 2), 9, "the number of test images of each class"),
    ],
)
def test_a_changed_plan_is_named(
    study: Path, keys: tuple[str | int, ...], value: object, said: str
) -> None:
    edit(study / "study.json", keys, lambda _: value)
    assert disagreement(study).startswith(f"study.json says that {said}")


@pytest.mark.parametrize("patience", ["10", None, True])
def test_ledger_plan_with_a_value_of_another_type_is_refused(
    tmp_path: Path, patience: object
) -> None:
    ledger = grid_builder.build_grid(tmp_path / "s", {"x": [MATRIX]}, missing_trials=[("x", 0)])
    edit(ledger.folder / "study.json", ("trials", 0, "config", "patience"), lambda _: patience)
    with pytest.raises(ConflictError, match="config: patience: Input should be a valid integer"):
        Ledger(ledger.folder)


def test_verify_plan_without_a_rule_to_stop_names_the_value(tmp_path: Path) -> None:
    """Also where id and fingerprint were made to fit."""
    patience = 0
    ledger = grid_builder.build_grid(tmp_path / "s", {"x": [MATRIX]}, missing_trials=[("x", 0)])
    config = {**ledger.study.trials[0].config, "patience": patience}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    trial = f"x-s0-{digest}"
    edit(ledger.folder / "study.json", ("trials", 0, "config"), lambda _: config)
    edit(ledger.folder / "study.json", ("trials", 0, "id"), lambda _: trial)
    made = compute_fingerprint(ledger.study.data, [trial], ledger.study.software, None)
    edit(ledger.folder / "study.json", ("fingerprint",), lambda _: made)
    assert disagreement(ledger.folder) == f"study.json says that patience of {trial} is {patience}"


def test_a_trial_that_is_planned_twice_is_named(study: Path) -> None:
    edit(study / "study.json", ("trials",), lambda trials: [*trials, trials[0]])
    assert "the number of trials is 5" in disagreement(study)


def test_swapped_predictions_are_named(study: Path) -> None:
    one, other = (study / f"predictions/{trial}.npz" for trial in ids(study)[:2])
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)
    assert f"{one} is not the file that was entered" in disagreement(study)


def test_swapped_predictions_are_named_where_the_hashes_were_swapped_too(study: Path) -> None:
    names = [f"predictions/{trial}.npz" for trial in ids(study)[:2]]
    contents = [(study / name).read_bytes() for name in names]
    for name, content in zip(names, reversed(contents), strict=True):
        (study / name).write_bytes(content)
        mend(study, name)
    said = disagreement(study)
    assert said.startswith(f"trials/{ids(study)[0]}.json says that accuracy on val")
    assert names[0] in said


def test_a_changed_label_is_named(study: Path) -> None:
    trial = ids(study)[1]

    def change(arrays: Arrays) -> None:
        arrays["test_labels"][0] = 1

    name = rewrite(study, trial, change)
    said = disagreement(study)
    assert said.startswith("study.json says that the number of test images of each class is")
    assert name in said


def test_two_labels_that_changed_places_are_named(study: Path) -> None:
    def change(arrays: Arrays) -> None:
        labels = arrays["val_labels"]
        labels[[0, -1]] = labels[[-1, 0]]

    name = rewrite(study, ids(study)[1], change)
    assert disagreement(study).startswith(f"{name} has other labels on val than predictions/")


def test_a_label_that_all_trials_share_is_found_by_the_scores(study: Path) -> None:
    def change(arrays: Arrays) -> None:
        arrays["test_labels"][0] = 1

    for trial in ids(study):
        rewrite(study, trial, change)
    edit(study / "study.json", ("data", "class_counts", "test", 0), lambda n: n - 1)
    edit(study / "study.json", ("data", "class_counts", "test", 1), lambda n: n + 1)
    said = disagreement(study)
    assert said.startswith(f"trials/{ids(study)[0]}.json says that accuracy on test is")


def times(factor: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays["test_probabilities"][5] *= np.float32(factor)

    return change


def moved(arrays: Arrays) -> None:
    """A sum of 1 with a negative part, and the same prediction as before."""
    row = arrays["test_probabilities"][5]
    least = row.argmin()
    row[row.argmax()] += row[least] + np.float32(0.1)
    row[least] = -0.1


def shortened(arrays: Arrays) -> None:
    arrays["test_probabilities"] = arrays["test_probabilities"][:-1]


def emptied(arrays: Arrays) -> None:
    for part in ("probabilities", "labels"):
        arrays[f"test_{part}"] = arrays[f"test_{part}"][:0]


def columned(arrays: Arrays) -> None:
    arrays["test_labels"] = arrays["test_labels"][:, None]


def doubled(arrays: Arrays) -> None:
    arrays["test_probabilities"] = arrays["test_probabilities"].astype(np.float64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (times(1.001), "which sum to 1.001; wanted: none below 0, and a sum of 1"),
        (times(float("nan")), "nan"),
        (moved, "none below 0"),
        (shortened, "has probabilities (114, 8) for labels (115,)"),
        (emptied, "has probabilities (0, 8) for labels (0,)"),
        (columned, "has probabilities (115, 8) for labels (115, 1)"),
        (doubled, "float64 and uint8; wanted: float32"),
    ],
)
def test_impossible_probabilities_are_named(
    study: Path, change: Callable[[Arrays], None], said: str
) -> None:
    name = rewrite(study, ids(study)[3], change)
    found = disagreement(study)
    assert found.startswith(f"{name}, test, ")
    assert said in found


def test_predictions_beyond_the_scores_are_named(study: Path) -> None:
    def change(arrays: Arrays) -> None:
        arrays["train_labels"] = arrays["val_labels"]

    name = rewrite(study, ids(study)[0], change)
    assert disagreement(study).startswith(f"{name} says that the list of its arrays is")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_named(study: Path, kind: str) -> None:
    name = f"{kind}/{ids(study)[1]}.{KINDS[kind]}"
    (study / name).unlink()
    assert name in disagreement(study)


def test_a_record_that_only_a_look_remembers_is_named(study: Path) -> None:
    trial = ids(study)[1]
    for kind, suffix in KINDS.items():
        (study / kind / f"{trial}.{suffix}").unlink()
    assert (
        disagreement(study)
        == f"trials/{trial}.json is missing, but test_evaluations.jsonl is of that trial"
    )


def test_a_record_that_only_a_model_remembers_is_named(study: Path) -> None:
    trial = ids(study)[1]
    for kind in ("trials", "epochs", "predictions"):
        (study / kind / f"{trial}.{KINDS[kind]}").unlink()
    said = rewrite_evaluations(study, lambda lines: [lines[0], *lines[2:]])
    model = f"models/{trial}.safetensors"
    assert said == f"trials/{trial}.json is missing, but {model} is of that trial"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stray_file_is_named(study: Path, kind: str) -> None:
    name = f"{kind}/cnn-config-9-s0-00000000.{KINDS[kind]}"
    shutil.copy(study / kind / f"{ids(study)[0]}.{KINDS[kind]}", study / name)
    error = find_disagreement(study)
    assert error.path == name
    assert isinstance(error.__cause__, UnplannedTrialError)


def test_what_an_interruption_leaves_is_no_stray(study: Path) -> None:
    (study / "models" / ".x.safetensors.123.part").write_bytes(b"half")
    assert list(verify_study(Ledger(study)))


def test_a_file_that_no_record_names_is_named(tmp_path: Path) -> None:
    failed = {("cnn-config-1", 0): "loss is nan"}
    folder = grid_builder.build_grid(tmp_path / "s", MATRICES, failed_trials=failed).folder
    name = f"models/{ids(folder)[0]}.safetensors"
    (folder / name).write_bytes(b"weights")
    assert disagreement(folder).startswith(f"{name} is there, but trials/")


def test_a_second_look_is_named(study: Path) -> None:
    said = rewrite_evaluations(study, lambda lines: [*lines, lines[2]])
    assert said.startswith(
        f"test_evaluations.jsonl says that the number of looks at test by {ids(study)[2]}"
    )
    assert " is 2;" in said


def test_a_removed_look_is_named(study: Path) -> None:
    said = rewrite_evaluations(study, lambda lines: lines[1:])
    assert said.startswith(
        f"test_evaluations.jsonl says that the number of looks at test by {ids(study)[0]}"
    )
    assert " is 0;" in said


def test_a_look_at_an_unknown_trial_is_named(study: Path) -> None:
    said = rewrite_evaluations(
        study, lambda lines: [*lines, lines[0].replace("cnn-config-1", "cnn-config-8")]
    )
    assert said.startswith("test_evaluations.jsonl names cnn-config-8-s0-")


def test_a_torn_look_is_named(study: Path) -> None:
    assert "test_evaluations.jsonl is not readable" in rewrite_evaluations(
        study, lambda lines: [*lines, lines[0][:20]]
    )


def later(epochs: list[dict[str, Any]]) -> None:
    """One epoch after the one that ended the training."""
    epochs.append(epochs[-1] | {"epoch": epochs[-1]["epoch"] + 1})


def equal(epochs: list[dict[str, Any]]) -> None:
    """The epoch before the best is as good: the first of equals is kept."""
    epochs[18]["val_macro_f1"] = epochs[19]["val_macro_f1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda epochs: epochs[19].update(val_accuracy=0.1), "accuracy on val is"),
        (lambda epochs: epochs[19].update(val_macro_f1=0.99), "macro_f1 on val is"),
        (equal, "the best epoch is 20; epochs/"),
        (lambda epochs: epochs[3].update(epoch=5), "the epoch in line 4 is 5"),
        (lambda epochs: epochs.pop(), "the number of epochs is 30; epochs/"),
    ],
)
def test_changed_epochs_are_named(
    study: Path, change: Callable[[list[dict[str, Any]]], object], said: str
) -> None:
    name = rewrite_epochs(study, ids(study)[0], change)
    found = disagreement(study)
    assert name in found
    assert said in found


def test_a_training_that_went_on_is_named(study: Path) -> None:
    trial = ids(study)[0]
    name = rewrite_epochs(study, trial, later)
    edit(study / f"trials/{trial}.json", ("epochs",), lambda n: n + 1)
    said = disagreement(study)
    assert said.startswith(f"{name} says that the last epoch of {trial} is 31")
    assert said.endswith("gives 30")


def test_a_training_that_ended_early_is_named(study: Path) -> None:
    trial = ids(study)[0]
    rewrite_epochs(study, trial, lambda epochs: epochs.pop())
    edit(study / f"trials/{trial}.json", ("epochs",), lambda n: n - 1)
    assert "the reason to stop is patience; epochs/" in disagreement(study)


def test_the_epochs_may_run_out(tmp_path: Path) -> None:
    settings = {"x": {"max_epochs": 25, "patience": 5}}
    assert list(
        verify_study(
            grid_builder.build_grid(tmp_path / "s", {"x": [MATRIX]}, config_overrides=settings)
        )
    )
    settings = {"x": {"max_epochs": 24, "patience": 5}}
    folder = grid_builder.build_grid(
        tmp_path / "t", {"x": [MATRIX]}, config_overrides=settings
    ).folder
    assert "the rule to stop gives 24" in disagreement(folder)


def test_an_intact_report_passes(study: Path, report: Path) -> None:
    shutil.copytree(report, study / "report")
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    assert list(verify_study(Ledger(study)))[-1].endswith("follow from the ledger")
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_a_changed_duration_is_found_by_the_report(study: Path, report: Path) -> None:
    shutil.copytree(report, study / "report")
    edit(study / f"trials/{ids(study)[0]}.json", ("duration_s",), lambda x: x + 1)
    said = disagreement(study)
    assert re.match(r"report/tables/\w+\.csv, line 2, says .*[,.]78\.75,", said)
    assert ",79.25," in said.partition("the ledger gives")[2]


def test_a_trial_that_only_the_report_remembers_is_found(study: Path, report: Path) -> None:
    shutil.copytree(report, study / "report")
    trial = ids(study)[3]
    for kind, suffix in KINDS.items():
        (study / kind / f"{trial}.{suffix}").unlink()
    path = study / "test_evaluations.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert disagreement(study).startswith("report/tables/")


def test_another_matplotlib_may_draw_other_figures(reported: Path) -> None:
    for path in (reported / "report" / "figures").iterdir():
        path.write_bytes(b"other")
    page = reported / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(";base64,", ";base64,AAAA"), encoding="utf-8")
    assert list(verify_study(Ledger(reported)))[-1].endswith("follow from the ledger")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("index.html", "<td", "<td title='x'"),
        ("report.md", "test", "text"),
        ("tables/comparison.csv", "0.", "1."),
        ("tables/comparison.md", "|", "||"),
        ("tables/comparison.tex", r"\begin", r"\end"),
    ],
)
def test_a_change_in_the_report_is_named_with_its_line(
    reported: Path, name: str, old: str, new: str
) -> None:
    path = reported / "report" / name
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    said = disagreement(reported)
    assert said.startswith(f"report/{name}, line {line}, says ")
    assert len(said) < 260


def test_a_line_more_or_less_in_the_report_is_named(reported: Path) -> None:
    path = reported / "report" / "report.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "One more.\n", encoding="utf-8")
    assert "report/report.md, line " in disagreement(reported)
    path.write_text(text.rstrip("\n"), encoding="utf-8")
    assert "report/report.md, line after the last, says " in disagreement(reported)


@pytest.mark.parametrize("name", ["index.html", "report.md", "tables/comparison.csv"])
def test_a_missing_file_of_the_report_is_named(reported: Path, name: str) -> None:
    (reported / "report" / name).unlink()
    assert f"report/{name}" in disagreement(reported)


def test_a_file_too_many_in_the_report_is_named(reported: Path) -> None:
    (reported / "report" / "tables" / "more.csv").write_text("1")
    assert disagreement(reported).startswith("report/tables/more.csv is there")


def test_test_images_are_compared_where_they_are_at_hand(
    study: Path, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.arange(115 * 28 * 28 * 3).reshape(115, 28, 28, 3).astype(np.uint8)
    page = write_report(Ledger(study), images=images)
    assert "data:image/png" in page.read_text(encoding="utf-8")
    shown = shutil.copytree(page.parent, tmp_path / "shown")

    def copied(ledger: Ledger, *, folder: Path, images: object) -> Path:
        return Path(shutil.copytree(report if images is None else shown, folder)) / "index.html"

    monkeypatch.setattr(report_check, "write_report", copied)
    assert list(verify_study(Ledger(study), images=images))[-1].endswith("follow from the ledger")
    without = list(verify_study(Ledger(study)))[-1]
    assert without.endswith("but for the test images, which need the data file")
    text = page.read_text(encoding="utf-8")
    start = text.index('<section id="hardest">')
    page.write_text(text[:start] + text[start:].replace("<span>", "<span>no ", 1), encoding="utf-8")
    assert list(verify_study(Ledger(study)))[-1] == without
    with pytest.raises(DisagreementError, match=r"^report/index\.html, line"):
        list(verify_study(Ledger(study), images=images))
    page.write_text(text.replace("</dl>", "</dl> ", 1), encoding="utf-8")  # after the images
    assert disagreement(study).startswith("report/index.html, line")


def test_a_report_without_test_images_is_whole_where_they_are_at_hand(
    study: Path, report: Path
) -> None:
    """It was made without the data file, and is made so again."""
    shutil.copytree(report, study / "report")
    images = np.zeros((115, 28, 28, 3), np.uint8)
    assert list(verify_study(Ledger(study), images=images))[-1].endswith("follow from the ledger")
