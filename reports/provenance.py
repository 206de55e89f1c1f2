"""The last section of the report: what was run, on which data, where and by which command."""

import shlex

import pandas as pd

from reports.columns import SETTINGS
from reports.ledger import Ledger
from reports.parts import Frames, Section, caption
from reports.typeset import BLANK, Column, DataWords, table


def what_was_run(ledger: Ledger, got: Frames, data: DataWords) -> Section:
    """Data, settings, seeds, looks at test, hardware, versions and the command."""
    study = ledger.study
    settings = got.comparison[[column.key for column in SETTINGS]]
    splits = [c for c in got.class_counts.columns if c not in {"class", "name"}]
    classes = got.class_counts.assign(
        label=[f"{i} {name}" for i, name in enumerate(got.class_counts["name"])]
    )
    columns = [Column(key="label", head=("Class",))]
    columns += [Column(key=split, head=(split, "images"), unit="count") for split in splits]
    totals = ", ".join(f"{split} {got.class_counts[split].sum():,}" for split in splits)
    facts = [
        ("Study", study.name),
        ("Started", study.created_at),
        ("Command", shlex.join(study.command)),
        ("Data", data.full),
        ("Images", totals),
        ("Seeds", _distinct(got.trials, "seed")),
        ("Batch size", _distinct(got.trials, "batch_size")),
        ("Epochs at most", _distinct(got.trials, "max_epochs")),
        ("Patience", f"{_distinct(got.trials, 'patience')} epochs without a better val macro F1"),
        ("Looks at test", _looks(got.trials)),
        ("Device", _distinct(got.trials, "device")),
        *((f"Hardware: {name}", value) for name, value in study.hardware.items()),
        ("Versions", ", ".join(f"{name} {value}" for name, value in study.versions.items())),
        ("Fingerprint", study.fingerprint),
    ]
    return Section(
        key="run",
        title="What was run",
        tables=(
            table("settings", caption("Settings of each configuration", data), SETTINGS, settings),
            table(
                "classes",
                caption("Images of each class", data),
                columns,
                classes,
                values=got.class_counts,
            ),
        ),
        facts=tuple(facts),
    )


def _distinct(frame: pd.DataFrame, key: str) -> str:
    """The values that occur, in order of appearance; a dash if there are none."""
    values = list(frame[key].dropna().unique()) if key in frame else []
    return ", ".join(map(str, values)) or BLANK


def _looks(trials: pd.DataFrame) -> str:
    often = trials[trials["looks"] > 1]
    words = f"{trials['looks'].sum()}, at most one a trial"
    if not often.empty:
        words = f"{trials['looks'].sum()}; more than one at " + ", ".join(map(str, often["id"]))
    return words
