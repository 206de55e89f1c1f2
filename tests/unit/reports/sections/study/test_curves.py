"""The section on learning curves: a figure for each family."""

import pandas as pd

from reports.analysis.learning_curves import LearningCurves, average_curves
from reports.sections.study import curves
from tests.helpers import grid_builder
from tests.helpers.report_frames import make_context


def make_curves(*names: str, seeds: int = 1) -> LearningCurves:
    settings = {name: grid_builder.make_config(name) for name in names}
    epochs = pd.DataFrame(
        [
            {
                "id": f"{name}-s{seed}",
                "configuration": name,
                **{key: settings[name][key] for key in ("family", "loss", "optimizer")},
                "replicate": f"s{seed}",
                "epoch": epoch,
                "train_loss": 1 / epoch,
                "val_loss": 1 / epoch,
                "val_accuracy": 0.9,
                "val_macro_f1": 0.8 + 0.01 * (epoch + seed),
                "best_epoch": 2,
            }
            for name in names
            for seed in range(seeds)
            for epoch in (1, 2, 3)
        ]
    )
    return LearningCurves(epochs=epochs, means=average_curves(epochs))


def test_curves_have_a_figure_for_each_family() -> None:
    section = curves.make_section(
        make_curves("mlnn-config-1", "cnn-config-1", "resnet"),
        has_equivalent_losses=False,
        has_class_weights=False,
        context=make_context("mlnn-config-1", "cnn-config-1"),
    )
    assert section is not None
    assert section.key == "learning-curves"
    names = [figure.name for figure in section.figures]
    assert names == ["curves-mlnn", "curves-cnn"]
    assert "Fig. 2" in section.figures[1].caption


def test_curves_captions_explain_seeds_mean_and_band_where_they_are_drawn() -> None:
    captions = []
    for seeds in (1, 2, 3, 6):
        section = curves.make_section(
            make_curves("cnn-config-1", seeds=seeds),
            has_equivalent_losses=False,
            has_class_weights=False,
            context=make_context("cnn-config-1"),
        )
        assert section is not None
        captions.append(section.figures[0].caption)
    assert len(set(captions)) == 3
    assert ["±" in caption for caption in captions] == [False, False, True, True]


def test_curves_of_equivalent_losses_and_of_a_search_are_introduced_otherwise() -> None:
    usual, equivalent = (
        curves.make_section(
            make_curves("cnn-config-1"),
            has_equivalent_losses=has_equivalent_losses,
            has_class_weights=False,
            context=make_context("cnn-config-1", is_search=has_equivalent_losses),
        )
        for has_equivalent_losses in (False, True)
    )
    assert usual is not None
    assert equivalent is not None
    assert len(equivalent.notes[0]) > len(usual.notes[0])
    assert equivalent.title != usual.title


def test_curves_without_a_displayed_trial_are_left_out() -> None:
    section = curves.make_section(
        make_curves("cnn-config-1"),
        has_equivalent_losses=False,
        has_class_weights=False,
        context=make_context(),
    )
    assert section is None


def test_curves_with_class_weights_say_that_only_the_loss_on_train_has_them() -> None:
    notes = []
    for has_class_weights in (False, True):
        section = curves.make_section(
            make_curves("cnn-config-1"),
            has_equivalent_losses=False,
            has_class_weights=has_class_weights,
            context=make_context("cnn-config-1"),
        )
        assert section is not None
        notes.append(section.notes[0])
    assert "weights" in notes[1].removeprefix(notes[0])
