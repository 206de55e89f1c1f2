"""The last section of the report: what was run, on which data, where and by which command."""

import shlex

import pandas as pd

from reports.analysis import frames
from reports.format.columns import FURTHER, SETTINGS
from reports.format.table import Column, Table, table
from reports.format.text import search_words
from reports.format.units import BLANK
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings


def section(found: Findings) -> Section:
    """Data, settings, seeds, looks at test, hardware, versions and the command."""
    study, data = found.evidence.study, found.data
    splits = [c for c in found.class_counts.columns if c not in {"class", "name"}]
    classes = found.class_counts.assign(
        label=[f"{i} {name}" for i, name in enumerate(found.class_counts["name"])]
    )
    columns = [Column(key="label", head=("Class",))]
    columns += [Column(key=split, head=(split, "images"), unit="count") for split in splits]
    totals = ", ".join(f"{split} {found.class_counts[split].sum():,}" for split in splits)
    facts = [
        ("Study", study.name),
        ("Started", study.created_at),
        ("Command", shlex.join(study.command)),
        ("Data", data.full),
        ("Images", totals),
        *_space(found),
        ("Seeds", _seeds(found)),
        *_training(found),
        ("Looks at test", _looks(found.trials)),
        ("Device", _distinct(found.trials, "device")),
        *((f"Hardware: {name}", value) for name, value in study.hardware.items()),
        ("Versions", ", ".join(f"{name} {value}" for name, value in study.versions.items())),
        ("Fingerprint", study.fingerprint),
    ]
    return Section(
        key="run",
        title="What was run",
        tables=(
            *_settings(found),
            table(
                "classes",
                caption("Images of each class", data),
                columns,
                classes,
                values=found.class_counts,
            ),
        ),
        facts=tuple(facts),
    )


def _settings(found: Findings) -> list[Table]:
    """Of each configuration; none of a search without confirmation."""
    if found.comparison.empty:
        return []
    frame = frames.settings(found.evidence.study)
    named = caption("Settings of each configuration", found.data)
    made = [table("settings", named, SETTINGS, frame)]
    if {column.key for column in FURTHER[1:]} & {*frame}:
        named = caption("Further settings of each configuration", found.data)
        made.append(table("settings-further", named, FURTHER, frame))
    return made


def _space(found: Findings) -> list[tuple[str, str]]:
    """Of a search, what it drew from."""
    search = found.search
    if search is None:
        return []
    proposed = f"{len(search.trials)} of at most {search.record.trials}"
    return [("Trials of the search", proposed), *search_words(search.record)]


def _seeds(found: Findings) -> str:
    seeds = _distinct(found.trials, "seed")
    if found.search is None:
        return seeds
    own = str(found.search.record.seed)
    return own if found.trials.empty else f"{own} in the search, {seeds} in its confirmation"


def _training(found: Findings) -> list[tuple[str, str]]:
    """Batch size, and what ended a trial."""
    if found.search is not None:
        record = found.search.record
        stopped = f"{record.max_epochs}; in the search ASHA stopped trials at its rungs"
        return [
            ("Batch size", str(record.batch_size)),
            ("Precision of products in training", record.precision),
            ("Epochs at most", stopped),
        ]
    said = "precision" in found.trials  # a configuration with float32 does not name it
    precision = _distinct(found.trials, "precision") if said else "float32"
    patience = f"{_distinct(found.trials, 'patience')} epochs without a better val macro F1"
    return [
        ("Batch size", _distinct(found.trials, "batch_size")),
        ("Precision of products in training", precision),
        ("Epochs at most", _distinct(found.trials, "max_epochs")),
        ("Patience", patience),
    ]


def _distinct(frame: pd.DataFrame, key: str) -> str:
    """The values that occur, in order of appearance; a dash if there are none."""
    values = list(frame[key].dropna().unique()) if key in frame else []
    return ", ".join(map(str, values)) or BLANK


def _looks(trials: pd.DataFrame) -> str:
    often, total = trials[trials["looks"] > 1], int(trials["looks"].sum())
    words = f"{total}, at most one a trial" if total else "0"
    if not often.empty:
        words = f"{total}; more than one at " + ", ".join(map(str, often["id"]))
    return words
