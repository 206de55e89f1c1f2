"""Which forgeries `report --verify` finds, and at which level, as in the documentation's table.

`docs/explanation/verification.md` has the same rows.
"""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from reports.ledger.ledger import Ledger
from reports.ledger.trial_predictions import read_predictions
from reports.page.publish import write_report
from tests.helpers import forgeries
from tests.helpers.cli_runs import RunMain
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.small_studies import Arrays, edit_json, edit_predictions, enter_hash
from tests.helpers.weighted_study import add_weighted_trial, build_weighted_study

VERIFY = ("--verify",)
FROM_WEIGHTS = ("--verify", "--from-weights")


@pytest.fixture(scope="module", autouse=True)
def quick_figures() -> Iterator[None]:
    with write_texts_of_figures():
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cells: BloodCells) -> Path:
    """A study without a report; not to be changed."""
    return build_weighted_study(tmp_path_factory.mktemp("weighted") / "s", cells).folder


@pytest.fixture(scope="module")
def reported(built: Path, tmp_path_factory: pytest.TempPathFactory, cells: BloodCells) -> Path:
    """The same study with a report; not to be changed."""
    folder = Path(shutil.copytree(built, tmp_path_factory.mktemp("reported") / "s"))
    write_report(Ledger(folder), images=cells.test.images)
    Ledger(folder).log.add_report()
    return folder


@pytest.fixture
def study(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "s"))


@pytest.fixture
def reported_study(reported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(reported, tmp_path / "s"))


def forge_completely(folder: Path, *, forge: Callable[[Path], object]) -> None:
    """Forge a study, and its log as well."""
    forge(folder)
    forgeries.rewrite_log(folder)


def repeat_last_trial(folder: Path, *, cells: BloodCells, weights_seed: int | None = None) -> None:
    """Remove the last trial and run it again, as a resume does, or with other weights."""
    trial_id = forgeries.remove_last_trial(folder)
    ledger = Ledger(folder)
    (planned,) = (trial for trial in ledger.study.trials if trial.id == trial_id)
    add_weighted_trial(ledger, planned, cells, weights_seed=weights_seed)


def change_weights(folder: Path) -> None:
    """Exchange the weights of the two trials, with the hashes in their records."""
    first, second = sorted((folder / "models").iterdir())
    content, other_content = first.read_bytes(), second.read_bytes()
    first.write_bytes(other_content)
    second.write_bytes(content)
    for path in (first, second):
        enter_hash(path)


def deny_duplicates(folder: Path) -> None:
    edit_json(folder / "study.json", ("data", "duplicates", "test_images"), lambda _: 0)


def change_log_line(folder: Path) -> None:
    path = folder / "events.jsonl"
    path.write_text(path.read_text().replace("chosen in advance", "chosen with care", 1))


@pytest.mark.parametrize("options", [VERIFY, FROM_WEIGHTS])
def test_verify_of_an_intact_study_passes_at_each_level(
    built: Path, options: tuple[str, ...], run_main: RunMain
) -> None:
    before = {path: path.read_bytes() for path in built.rglob("*") if path.is_file()}
    outcome = run_main("report", built, *options)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert Ledger(built).study.fingerprint in outcome.stdout
    assert {path: path.read_bytes() for path in built.rglob("*") if path.is_file()} == before


ROWS = {
    "made-up predictions": (forgeries.make_up_predictions, 1, 1),
    "made-up predictions, with a new log": (
        partial(forge_completely, forge=forgeries.make_up_predictions), 0, 1,
    ),
    "dropped trial": (forgeries.drop_last_trial, 1, 1),
    "exchanged weights, with a new log": (
        partial(forge_completely, forge=change_weights), 0, 1,
    ),
    "changed log": (change_log_line, 1, 1),
    # Only a digest of the plan that is kept somewhere else shows this.
    "dropped trial, with a new log": (
        partial(forge_completely, forge=forgeries.drop_last_trial), 0, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "code", "code_from_weights"), ROWS.values(), ids=ROWS)
def test_verify_of_a_forged_study_finds_it_at_the_documented_level(
    study: Path,
    forge: Callable[[Path], None],
    code: int,
    code_from_weights: int,
    run_main: RunMain,
) -> None:
    forge(study)
    assert run_main("report", study, *VERIFY).code == code
    assert run_main("report", study, *FROM_WEIGHTS).code == code_from_weights


def test_verify_of_a_dropped_trial_prints_another_digest_of_the_plan(
    study: Path, run_main: RunMain
) -> None:
    digest = Ledger(study).study.fingerprint
    assert digest in run_main("report", study, *VERIFY).stdout
    forge_completely(study, forge=forgeries.drop_last_trial)
    outcome = run_main("report", study, *VERIFY)
    assert outcome.code == 0
    assert digest not in outcome.stdout


def test_verify_of_a_removed_and_repeated_trial_finds_it_and_both_evaluations(
    study: Path, cells: BloodCells, run_main: RunMain
) -> None:
    repeat_last_trial(study, cells=cells)
    assert len(Ledger(study).log.read_test_evaluations()) == 3
    assert run_main("report", study, *VERIFY).code == 1


@pytest.mark.parametrize("weights_seed", [None, 99])
def test_verify_of_another_training_with_a_new_log_finds_nothing(
    study: Path, cells: BloodCells, weights_seed: int | None, run_main: RunMain
) -> None:
    """What no level finds: a repeated trial, and weights that were trained in another way."""
    repeat_last_trial(study, cells=cells, weights_seed=weights_seed)
    forgeries.rewrite_log(study)
    assert run_main("report", study, *VERIFY).code == 0
    assert run_main("report", study, *FROM_WEIGHTS).code == 0


def test_verify_of_a_failed_trial_that_was_retried_passes(
    study: Path, cells: BloodCells, run_main: RunMain
) -> None:
    """As documented for `resume`; a failed trial has no scores that could be dropped."""

    def fail(events: list[Any]) -> None:
        trial_id = events[-1]["trial_id"]
        del events[-2]  # the test evaluation
        events[-1]["state"] = "failed"
        assert events[-1]["trial_id"] == trial_id

    forgeries.rewrite_chain(study, fail)
    repeat_last_trial(study, cells=cells)
    assert len(Ledger(study).log.read_events()) == 1 + 3 + 2 + 3
    assert run_main("report", study, *VERIFY).code == 0


@pytest.mark.parametrize("forge", [forgeries.insert_second_section, forgeries.swap_figures])
@pytest.mark.parametrize("with_data", [True, False])
def test_verify_of_a_forged_page_finds_it(
    reported_study: Path,
    forge: Callable[[Path], None],
    with_data: bool,
    run_main: RunMain,
) -> None:
    if not with_data:
        edit_json(reported_study / "study.json", ("data", "path"), lambda _: "/none.npz")
    forge(reported_study)
    outcome = run_main("report", reported_study, *VERIFY)
    assert outcome.code == 1
    assert "report/" in outcome.stderr


def test_verify_of_data_whose_train_holds_test_finds_it_unless_the_record_denies_it(
    tmp_path: Path, run_main: RunMain
) -> None:
    """The data are only read again with `--from-weights`."""
    arrays = generate_synthetic_arrays(scale=0.01)
    for kind in ("images", "labels"):
        arrays[f"train_{kind}"] = np.concatenate([arrays[f"train_{kind}"], arrays[f"test_{kind}"]])
    np.savez(tmp_path / "leak.npz", allow_pickle=False, **arrays)
    folder = build_weighted_study(tmp_path / "s", load_file(tmp_path / "leak.npz")).folder
    outcome = run_main("report", folder, *VERIFY)
    assert (outcome.code, "test images" in outcome.stderr) == (1, True)
    deny_duplicates(folder)
    assert run_main("report", folder, *VERIFY).code == 0
    assert run_main("report", folder, *FROM_WEIGHTS).code == 1


def test_verify_from_weights_of_another_cpu_accepts_rounding_only(
    study: Path, run_main: RunMain
) -> None:
    def shift(arrays: Arrays, *, by: float) -> None:
        arrays["val_probabilities"][0] += np.float32(by) * np.array([1, -1] + 6 * [0])

    trial_id = Ledger(study).study.trials[0].id
    edit_json(study / "study.json", ("hardware", "cpu"), lambda _: "Imaginary 9000")
    for by, code in ((4e-6, 0), (4e-5, 1)):
        edit_predictions(study, trial_id, partial(shift, by=by))
        forgeries.rewrite_log(study)
        assert run_main("report", study, *FROM_WEIGHTS).code == code


def test_verify_from_weights_of_the_same_cpu_accepts_no_difference(
    study: Path, run_main: RunMain
) -> None:
    def shift(arrays: Arrays) -> None:
        arrays["val_probabilities"][0, 0] += np.float32(1e-6)

    edit_predictions(study, Ledger(study).study.trials[0].id, shift)
    forgeries.rewrite_log(study)
    assert run_main("report", study, *VERIFY).code == 0
    assert run_main("report", study, *FROM_WEIGHTS).code == 1


def test_verify_from_weights_of_a_study_with_orientations_recomputes_their_means(
    tmp_path: Path, cells: BloodCells, run_main: RunMain
) -> None:
    ledger = build_weighted_study(tmp_path / "s", cells, n_seeds=1, orientations=True)
    outcome = run_main("report", ledger.folder, *FROM_WEIGHTS)
    assert outcome.code == 0, outcome.stderr
    trial_id = ledger.study.trials[0].id
    plain = build_weighted_study(tmp_path / "plain", cells, n_seeds=1)
    predictions = read_predictions(plain, plain.study.trials[0].id, "val")

    def replace_val(arrays: Arrays) -> None:
        arrays["val_probabilities"][...] = predictions.probabilities

    edit_predictions(ledger.folder, trial_id, replace_val)
    forgeries.rewrite_log(ledger.folder)
    assert run_main("report", ledger.folder, *FROM_WEIGHTS).code == 1


def test_verify_from_weights_without_the_data_exits_with_2(study: Path, run_main: RunMain) -> None:
    edit_json(study / "study.json", ("data", "path"), lambda _: "/none.npz")
    assert run_main("report", study, *VERIFY).code == 0
    outcome = run_main("report", study, *FROM_WEIGHTS)
    assert (outcome.code, "--data-file" in outcome.stderr) == (2, True)
    assert run_main("report", study, "--from-weights").code == 2
