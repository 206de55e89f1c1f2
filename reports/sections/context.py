"""Labels that nearly every section needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bloodnets.medmnist_sets import MedMnistFile
from reports.format.model_labels import format_model, label_models
from reports.format.text import DataLabel, make_class_label, make_data_label
from reports.ledger.published import may_show_published
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind

MAX_PANELS = 12
"""Panels per figure; with more, they are too small to read and slow to draw."""


# Figures of the paper that show the same quantity as ours.
_PAPER_FIGURES = {
    "mlnn": {"train_loss": "Fig. 1", "scores": "Fig. 3", "confusion": "Fig. 4"},
    "cnn": {"train_loss": "Fig. 2", "scores": "Fig. 5", "confusion": "Fig. 6"},
}

MAX_HEAT_MAP_CLASSES = 20
"""Maximum number of classes of a confusion matrix on the page. More columns are wider than a
screen, and 100 classes of one model take 1 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """Labels that nearly every section needs.

    Attributes:
        data: Names of the data.
        data_kind: Kind of the data.
        medmnist_file: File of MedMNIST with whose benchmark the study is compared; None for other
            data, for those with published values, and for a search.
        shows_published: Whether the study is compared with published values: not on data for which
            `may_show_published` is false. A search is not either, because the user chooses its
            epochs.
        class_labels: Labels of the classes, short enough for an axis.
        copies: Names of the other configurations that train the same model, by name of the model;
            only models that have such copies.
        displayed_names: Models shown in figures and long tables: for each family, the `MAX_PANELS`
            with the highest macro F1 on test, and those without a score; from the highest macro F1
            on val.
        is_search: Whether the study is a search; the other results are then for its confirmation.
        folds: Number of folds of the cross-validation; None without one.
    """

    data: DataLabel
    data_kind: DataKind
    medmnist_file: MedMnistFile | None
    shows_published: bool
    class_labels: tuple[str, ...]
    copies: Mapping[str, Sequence[str]]
    displayed_names: tuple[str, ...]
    is_search: bool
    folds: int | None

    @property
    def shows_heat_maps(self) -> bool:
        """Whether the page has confusion matrices as heat maps; with many classes, it has lists."""
        return len(self.class_labels) <= MAX_HEAT_MAP_CLASSES

    @property
    def model_labels(self) -> tuple[str, ...]:
        """Names of the displayed models, with their copies."""
        return tuple(format_model(name, self.copies) for name in self.displayed_names)

    def label_configuration(self, name: str) -> str:
        """Return the name of the model that a configuration trains, with its copies."""
        model = next((m for m, copies in self.copies.items() if name in copies), name)
        return format_model(model, self.copies)

    def merge_copies(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the models, whose `configuration` also names their copies."""
        copied_names = [name for names in self.copies.values() for name in names]
        return label_models(frame[~frame["configuration"].isin(copied_names)], self.copies)

    def select_displayed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the displayed models, like `merge_copies`."""
        return self.merge_copies(frame[frame["configuration"].isin(self.displayed_names)])

    def rank_models(self, frame: pd.DataFrame) -> list[str]:
        """Return the models of a frame from `select_displayed`, best macro F1 on val first."""
        present_names = {*frame["configuration"]}
        return [name for name in self.model_labels if name in present_names]

    def label_classes(self, classes: pd.Series) -> list[str]:
        """Return the labels of a column of classes."""
        return [self.class_labels[c] for c in classes]

    def cite_paper_figure(self, family: str, quantity: str) -> str:
        """Name the figure of the paper to compare with one of ours, in parentheses.

        Args:
            family: Family of the figure.
            quantity: "train_loss", "scores" or "confusion".

        Returns:
            The empty string if there is none.
        """
        figure = _PAPER_FIGURES.get(family, {}).get(quantity) if self.shows_published else None
        return f" (compare the paper's {figure})" if figure else ""


def make_report_context(
    study: StudyRecord, comparison: pd.DataFrame, copies: Mapping[str, Sequence[str]]
) -> ReportContext:
    """Return the context of a study's report.

    Args:
        study: Record of the study.
        comparison: Frame from `frames.make_comparison_frame`.
        copies: See `ReportContext`.
    """
    copied_names = [name for names in copies.values() for name in names]
    models = comparison[~comparison["configuration"].isin(copied_names)]
    ranks = models.groupby("family")["test_macro_f1"].rank(method="first", ascending=False)
    displayed = models[~(ranks > MAX_PANELS)]
    class_names = study.data.class_names
    is_compared = study.data.kind is DataKind.MEDMNIST and not study.data.absent_classes
    return ReportContext(
        data=make_data_label(study.data),
        data_kind=study.data.kind,
        medmnist_file=study.data.medmnist_file if is_compared and study.search is None else None,
        shows_published=may_show_published(study.data) and study.search is None,
        class_labels=tuple(make_class_label(i, name) for i, name in enumerate(class_names)),
        copies=copies,
        displayed_names=tuple(
            displayed.sort_values("val_macro_f1", ascending=False)["configuration"]
        ),
        is_search=study.search is not None,
        folds=None if study.grid is None else study.grid.folds,
    )
