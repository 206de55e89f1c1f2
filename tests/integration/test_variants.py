"""Variants with real Ray: trained, resumed and repeated, with the settings that were given."""

import hashlib
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.helpers.cli_runs import RunHere
from tests.helpers.forgeries import remove_last_trial
from tests.helpers.grid_builder import FAMILY_COSTS

NAME = "mlnn-config-2-dropout-0.3"
VARIANTS = """
[weighted]
base = "cnn-config-1"
class_weights = "balanced"
batch_size = 32
orientations = true
"""


@pytest.fixture(scope="module")
def study_folder(data_file: Path, tmp_path_factory: pytest.TempPathFactory, train: RunHere) -> Path:
    """A grid of a variant from `--set` and of one from a file."""
    folder = tmp_path_factory.mktemp("variants")
    (folder / "variants.toml").write_text(VARIANTS)
    words = ["--config", "mlnn-config-2", "--set", "dropout=0.3", "--configs", "variants.toml"]
    run(train, folder, "grid", *words, "--max-epochs=2", "--name=s", "--data-file", str(data_file))
    return folder


def run(train: RunHere, folder: Path, *words: str) -> None:
    done = train(*words, "--storage=.", "--max-concurrent=1", folder=folder)
    assert done.returncode == 0, done.stderr


def hash_models(study_folder: Path) -> dict[str, str]:
    paths = sorted((study_folder / "models").iterdir())
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_grid_of_variants_trains_them_with_their_settings(study_folder: Path) -> None:
    one, other = Ledger(study_folder / "s").read_trials()
    assert [one.configuration, other.configuration] == [NAME, "weighted"]
    assert [one.state, other.state] == ["complete", "complete"]
    assert (one.config["dropout"], one.config.get("class_weights")) == (0.3, None)
    assert (other.config["batch_size"], other.config.get("class_weights")) == (32, "balanced")
    assert (one.config.get("orientations"), other.config.get("orientations")) == (None, True)
    expected = {"mlnn": 1, "cnn": 8}  # forward passes per image
    for record in (one, other):
        family = record.config["family"]
        assert record.operations == expected[family] * FAMILY_COSTS[family][1]
    page = (study_folder / "s/report/index.html").read_text()
    assert NAME in page
    assert "class weights" in page.lower()


def test_grid_of_variants_has_the_predictions_of_its_weights(
    study_folder: Path, train: RunHere
) -> None:
    done = train("report", "s", "--storage=.", "--verify", "--from-weights", folder=study_folder)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 splits bit for bit" in done.stdout


def test_grid_of_variants_resumed_trains_the_same_model(study_folder: Path, train: RunHere) -> None:
    expected = hash_models(study_folder / "s")
    remove_last_trial(study_folder / "s")
    assert len(hash_models(study_folder / "s")) == 1
    run(train, study_folder, "resume", "s")
    assert hash_models(study_folder / "s") == expected


def test_grid_from_a_study_trains_the_same_models_on_its_data(
    study_folder: Path, train: RunHere
) -> None:
    run(train, study_folder, "grid", "--from=s", "--name=repeated")
    assert hash_models(study_folder / "repeated") == hash_models(study_folder / "s")
