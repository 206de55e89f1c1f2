"""The confusion matrices of a run."""

import io
from datetime import UTC, datetime

import pandas as pd
import pytest
from PIL import Image

from reports.figures import MarkedFigure, draw_confusion_matrices
from reports.ledger.ledger import Ledger
from study.trackers.confusion_images import draw_confusions
from study.trackers.runs import read_runs
from tests.helpers.grid_builder import ASYMMETRIC


def test_draw_confusions_complete_trial_has_the_matrix_of_each_split(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[pd.DataFrame] = []

    def draw(frame: pd.DataFrame, *arguments: object, **options: object) -> MarkedFigure:
        frames.append(frame)
        return draw_confusion_matrices(frame, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("study.trackers.confusion_images.draw_confusion_matrices", draw)
    complete_run, failed_run = read_runs(ledger, datetime.now(UTC)).runs
    images = dict(draw_confusions(ledger, complete_run))
    assert [*images] == ["val", "test"]
    assert all(Image.open(io.BytesIO(png)).format == "PNG" for png in images.values())
    counts = frames[1].pivot_table(index="true", columns="predicted", values="count").to_numpy()
    assert counts.tolist() == ASYMMETRIC.tolist()
    assert frames[0]["count"].sum() < frames[1]["count"].sum()
    assert {*frames[1]["configuration"]} == {"cnn-config-1-s0 on test"}
    assert [*draw_confusions(ledger, failed_run)] == []
