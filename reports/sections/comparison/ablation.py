"""Show what each ingredient of a configuration contributes when only that one is removed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from reports import figures
from reports.analysis.ablations import Ablations
from reports.analysis.intervals import ALPHA
from reports.format.columns import ABLATION_COLUMNS
from reports.format.table import Table, choose_column_decimals, make_table
from reports.format.text import DataLabel, label
from reports.format.units import BLANK, format_count, format_mean, format_number
from reports.ledger.planned_trial import NEUTRAL_SETTINGS
from reports.sections.elements import ReportFigure, Section, make_figure, make_slug

_OFF_VALUES = {**NEUTRAL_SETTINGS, "dropout": 0}


def make_section(
    ablations: Ablations, *, comparison: pd.DataFrame, data: DataLabel
) -> Section | None:
    """Make a figure and a table for each configuration with ingredients.

    Args:
        ablations: Contribution of each ingredient.
        comparison: Frame from `frames.make_comparison_frame`.
        data: Names of the data.
    """
    frame = ablations.differences
    if frame.empty:
        return None
    display_frame = _add_display_columns(frame, comparison)
    base_frames = [(str(base), rows) for base, rows in display_frame.groupby("base", sort=False)]
    return Section(
        key="ablation",
        title="Ablations: effect of each ingredient",
        paragraphs=(
            *(_describe_outcome(base, rows, comparison) for base, rows in base_frames),
            *_list_caveats(ablations),
        ),
        notes=(_explain_scope(),),
        figures=tuple(_make_report_figure(base, rows, data) for base, rows in base_frames),
        tables=tuple(
            _make_ablation_table(base, rows, frame[frame["base"] == base])
            for base, rows in base_frames
        ),
    )


def _describe_outcome(base: str, rows: pd.DataFrame, comparison: pd.DataFrame) -> str:
    """Describe the method and list the ingredients with a significant effect."""
    base_scores = comparison.set_index("configuration").loc[base].to_dict()
    decimals = choose_column_decimals(comparison, "test_macro_f1")
    score = base_scores["test_macro_f1"], base_scores["test_macro_f1_sd"]
    score_text = format_mean(*score, "percent", decimals=decimals)
    points_decimals = choose_column_decimals(rows, "interval")
    significant = rows[rows["p_holm"] < ALPHA]
    verb = "has" if len(significant) == 1 else "have"
    count_text = f"{len(significant)} of {format_count(len(rows), 'ingredient')} {verb} "
    count_text += f"a significant effect (Holm-adjusted p < {ALPHA:g})"
    differences_text = "; ".join(
        f"{row['ingredient']}, "
        f"{format_number(row['difference'], 'points', decimals=points_decimals)} points"
        for row in significant.to_dict("records")
    )
    return (
        f"{base} has a macro F1 of {score_text}% on test. Each row removes one ingredient and "
        "keeps all other settings, seed and fold, and the test images. The difference is the score "
        f"of {base} minus the score without the ingredient. {count_text}"
        f"{f': {differences_text}' if differences_text else ''}."
    )


def _explain_scope() -> str:
    return (
        "An ablation measures the effect of removing one ingredient while the other settings stay "
        "fixed. It does not measure the effect of the ingredient by itself. Re-tuning the learning "
        "rate or the number of epochs could reduce a difference. Ingredients can compensate for "
        "each other, so the differences do not add up."
    )


def _list_caveats(ablations: Ablations) -> Iterator[str]:
    if ablations.differences["replicates"].max() == 1:
        yield (
            "With one replicate, the intervals include only the variance from the choice of test "
            "images. A significant row is a difference between two trained models; to judge the "
            "ingredient, use more seeds."
        )
    if ablations.skipped_names:
        names_text = ", ".join(ablations.skipped_names)
        yield f"Not shown, because they do not differ in exactly one setting: {names_text}."


def _make_report_figure(base: str, rows: pd.DataFrame, data: DataLabel) -> ReportFigure:
    caption_text = (
        f"Effect of each ingredient of {base} on macro F1 on test, with 95% confidence intervals."
    )
    labeled = rows.assign(contrast_label=rows["ingredient"], family_label="all")
    xlabel = "Macro F1 on test, with minus without\n(points), 95% confidence interval"
    draw = partial(figures.draw_effects, labeled, data=data, xlabel=xlabel)
    return make_figure(
        f"ablation-{make_slug(base)}", caption_text, draw(), narrow=draw(narrow=True)
    )


def _make_ablation_table(base: str, rows: pd.DataFrame, values: pd.DataFrame) -> Table:
    table_caption = f"{base} without one of its ingredients"
    return make_table(
        f"ablation-{make_slug(base)}", table_caption, ABLATION_COLUMNS, rows, values=values
    )


def _add_display_columns(frame: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of text and the score without the ingredient."""
    scores = comparison.set_index("configuration").loc[frame["configuration"]]
    rows = frame.to_dict("records")
    return frame.assign(
        ingredient=[
            _describe_ingredient(row["setting"], row["value"], row["value_without"]) for row in rows
        ],
        score_without=scores["test_macro_f1"].to_numpy(),
        score_without_sd=scores["test_macro_f1_sd"].to_numpy(),
        score_without_low=scores["test_macro_f1_low"].to_numpy(),
        score_without_high=scores["test_macro_f1_high"].to_numpy(),
        interval_low=frame["low"],
        interval_high=frame["high"],
        result=[_describe_result(row["difference"], row["p_holm"]) for row in rows],
    )


def _describe_result(difference: float, p_holm: float) -> str:
    if not p_holm < ALPHA:
        return "not significantly different"
    return "higher with it" if difference > 0 else "lower with it"


def _describe_ingredient(setting: str, value: Any, without: Any) -> str:
    """Name the removed ingredient; for a changed setting, give both values."""
    ingredient_labels = {
        "dihedral_augmentation": "the eight orientations",
        "max_shift": f"shifts by up to {value} pixels",
        "label_smoothing": f"label smoothing of {value}",
        "weight_decay": f"weight decay of {value}",
        "class_weights": f"{value} class weights",
        "orientations": "the mean over the eight orientations in val and test",
        "schedule": "the one-cycle learning rate",
        "dropout": f"dropout of {value}",
    }
    if setting in ingredient_labels and without == _OFF_VALUES[setting]:
        return ingredient_labels[setting]
    value_text, without_text = (
        BLANK if raw_value is None else label(raw_value) for raw_value in (value, without)
    )
    return f"{setting.replace('_', ' ')} {value_text} (without: {without_text})"
