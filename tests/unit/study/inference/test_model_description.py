"""The description of a model, and its way through the metadata of an export."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.analysis.temperature import Temperature, TemperatureState
from study.inference.model_description import ModelDescription
from study.inference.vote_selection import select
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models


@pytest.fixture(scope="module")
def vote(tmp_path_factory: pytest.TempPathFactory) -> ModelDescription:
    matrices = {"cnn-config-1": make_published_matrices(2)["cnn-config-1"]}
    ledger = add_models(build_grid(tmp_path_factory.mktemp("results") / "s", matrices))
    return ModelDescription.of_selection(ledger.study, select(ledger, None, "cnn-config-1"))


def test_of_selection_of_a_vote_has_the_ids_of_its_members(vote: ModelDescription) -> None:
    assert (vote.name, vote.study) == ("cnn-config-1-vote", "s")
    assert [trial_id.rpartition("-")[0] for trial_id in vote.trial_ids] == [
        "cnn-config-1-s0",
        "cnn-config-1-s1",
    ]


@pytest.mark.parametrize("orientations", [False, True])
def test_from_metadata_returns_what_was_written_without_the_path(
    vote: ModelDescription, *, orientations: bool
) -> None:
    temperature = Temperature(0.5, TemperatureState.AT_BOUND, 17)
    data = replace(vote.data, path=str(Path("/home/user/cells.npz")))
    written = replace(vote, temperature=temperature, data=data, orientations=orientations)
    metadata = written.to_metadata()
    assert not any("/home" in text for text in metadata.values())
    read = ModelDescription.from_metadata(metadata, reason="chosen")
    assert read == replace(written, reason="chosen", data=replace(data, path=None))
