"""Specification of a trial, as sent to a worker."""

from pathlib import Path

from bloodnets.config import TrialConfig
from bloodnets.messages import TrialSpec
from tests.helpers import grid_builder


def make_spec(folder: Path, probe_file: str = "") -> TrialSpec:
    """Return the specification of a trial of a study in a folder."""
    return TrialSpec(
        id="cnn-config-1-s0-1a2b3c4d",
        configuration="cnn-config-1",
        config=TrialConfig.from_dict(grid_builder.make_config("cnn-config-1")),
        location=str(folder),
        probe_file=probe_file,
        study_fingerprint="f",
        rungs=(),
        report_interval_s=0,
        evaluate_test=False,
    )
