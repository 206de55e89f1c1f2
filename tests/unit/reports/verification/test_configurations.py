"""Configurations as they are planned and trained."""

from bloodnets.config import TrialConfig
from reports.verification.configurations import compute_digest
from tests.helpers.grid_builder import make_config


def test_compute_digest_is_that_of_the_trial_config() -> None:
    config = make_config("cnn-config-1", seed=3)
    assert compute_digest(config) == TrialConfig.from_dict(config).compute_digest()
