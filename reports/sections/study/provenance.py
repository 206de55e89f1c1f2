"""Show how the study was run: times, settings, data, hardware, software and the command."""

import pandas as pd

from reports.analysis.search_trials import SearchAnalysis
from reports.format.columns import EXTRA_SETTING_COLUMNS, SETTING_COLUMNS
from reports.format.data_warnings import describe_duplicates, describe_groups
from reports.format.table import Column, Table, make_table
from reports.format.text import (
    DataLabel,
    describe_search_settings,
    describe_sources,
    describe_trial_versions,
    list_software_notices,
)
from reports.format.units import BLANK
from reports.ledger.loading import LoadedStudy
from reports.ledger.records import GridRecord
from reports.sections.elements import Section
from reports.sections.study.citation import list_license_facts, make_code_blocks
from reports.sections.study.hardware import list_hardware_facts
from reports.sections.study.timing import list_time_facts


def make_section(
    *,
    loaded_study: LoadedStudy,
    trials: pd.DataFrame,
    settings: pd.DataFrame,
    class_counts: pd.DataFrame,
    search: SearchAnalysis | None,
    data: DataLabel,
) -> Section:
    """List data, settings, seeds, folds, test evaluations, hardware, versions and the command.

    Args:
        loaded_study: Files of the study.
        trials: Frame from `frames.make_trials_frame`.
        settings: Frame from `frames.make_settings_frame`.
        class_counts: Frame from `frames.make_class_counts_frame`.
        search: Results of the search; None for a grid.
        data: Names of the data.
    """
    study = loaded_study.study
    splits = _list_splits(class_counts)
    totals_text = ", ".join(f"{split} {class_counts[split].sum():,}" for split in splits)
    facts = [
        ("Study", study.name),
        *list_time_facts(loaded_study),
        ("Data", data.full),
        ("Images", totals_text),
        ("Identical images", describe_duplicates(study.data)),
        *([] if study.data.groups is None else [("Groups", describe_groups(study.data))]),
        *_list_search_facts(search),
        ("Seeds", _describe_seeds(trials, search)),
        *_list_fold_facts(study.grid),
        *_list_training_facts(trials, search),
        ("Test evaluations", _describe_test_evaluations(trials)),
        *list_hardware_facts(study, trials),
        *_list_software_facts(loaded_study),
        *list_license_facts(study.data),
        ("Plan (SHA-256)", study.fingerprint),
    ]
    return Section(
        key="provenance",
        title="How the study was run",
        tables=(
            *_make_settings_tables(settings),
            _make_class_count_table(class_counts),
        ),
        facts=tuple(facts),
        code_blocks=make_code_blocks(study),
    )


def _list_splits(class_counts: pd.DataFrame) -> list[str]:
    return [str(c) for c in class_counts.columns if c not in {"class", "class_name"}]


def _make_class_count_table(class_counts: pd.DataFrame) -> Table:
    columns = [Column(key="class_label", heading=("Class",))]
    columns += [
        Column(key=split, heading=("Images", f"in {split}"), unit="count")
        for split in _list_splits(class_counts)
    ]
    class_labels = [f"{i} {name}" for i, name in enumerate(class_counts["class_name"])]
    return make_table(
        "class-counts",
        "Images of each class",
        columns,
        class_counts.assign(class_label=class_labels),
        values=class_counts,
    )


def _make_settings_tables(frame: pd.DataFrame) -> list[Table]:
    """Make the tables of settings; none for a search without re-trained configurations."""
    if frame.empty:
        return []
    table_caption = "Settings of each configuration"
    settings_tables = [make_table("settings", table_caption, SETTING_COLUMNS, frame)]
    if {column.key for column in EXTRA_SETTING_COLUMNS[1:]} & {*frame}:
        table_caption = "Further settings of each configuration"
        settings_tables.append(
            make_table("settings-further", table_caption, EXTRA_SETTING_COLUMNS, frame)
        )
    return settings_tables


def _list_search_facts(search: SearchAnalysis | None) -> list[tuple[str, str]]:
    """List the settings of a search; none for a grid."""
    if search is None:
        return []
    proposed_text = f"{len(search.trials)} of at most {search.record.n_trials}"
    return [("Trials of the search", proposed_text), *describe_search_settings(search.record)]


def _describe_seeds(trials: pd.DataFrame, search: SearchAnalysis | None) -> str:
    seeds = _join_distinct(trials, "seed")
    if search is None:
        return seeds
    search_seed = str(search.record.seed)
    return (
        search_seed if trials.empty else f"{search_seed} in the search, {seeds} in the re-training"
    )


def _list_fold_facts(grid: GridRecord | None) -> list[tuple[str, str]]:
    """List the folds of a cross-validation; none without one."""
    if grid is None or grid.folds is None:
        return []
    return [("Folds", f"{grid.folds}, of train and val; each trial held out one of them as val")]


def _list_training_facts(
    trials: pd.DataFrame, search: SearchAnalysis | None
) -> list[tuple[str, str]]:
    """List batch size, precision and the stopping rules."""
    if search is not None:
        record = search.record
        epochs_text = f"{record.max_epochs}; in the search ASHA stopped trials at its rungs"
        return [
            ("Batch size", str(record.batch_size)),
            ("Training precision", record.precision),
            ("Maximum epochs", epochs_text),
        ]
    patience = f"{_join_distinct(trials, 'patience')} epochs without improvement of macro F1 on val"
    return [
        ("Batch size", _join_distinct(trials, "batch_size")),
        ("Training precision", _join_distinct(trials, "precision")),
        ("Maximum epochs", _join_distinct(trials, "max_epochs")),
        ("Patience", patience),
    ]


def _join_distinct(frame: pd.DataFrame, column: str) -> str:
    """Join the distinct values in order of appearance; return a dash if there are none."""
    values = list(frame[column].dropna().unique()) if column in frame else []
    return ", ".join(map(str, values)) or BLANK


def _describe_test_evaluations(trials: pd.DataFrame) -> str:
    repeated, total = trials[trials["test_evaluations"] > 1], int(trials["test_evaluations"].sum())
    text = f"{total}, at most one per trial" if total else "0"
    if not repeated.empty:
        text = f"{total}; more than one for " + ", ".join(map(str, repeated["id"]))
    return text


def _list_software_facts(loaded_study: LoadedStudy) -> list[tuple[str, str]]:
    software = loaded_study.study.software
    versions = ", ".join(f"{name} {value}" for name, value in software.versions.items())
    facts = [("Versions", versions), ("Source code", describe_sources(software))]
    if (differing := describe_trial_versions(loaded_study)) is not None:
        facts.insert(1, ("Versions that differ", differing))
    return facts + [("Software changed", text) for text in list_software_notices(loaded_study)]
