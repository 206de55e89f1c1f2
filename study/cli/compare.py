"""`bloodstudy compare`."""

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError
from study.cli import options
from study.cli.arguments import open_ledger
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from reports.analysis.study_comparison import DataSetComparison


def compare(
    studies: options.StudiesArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    margin: options.MarginOption = 1.0,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print JSON with every configuration and every pair, unrounded.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """Compare the configurations of several studies in the terminal.

    The table compares each configuration with the one that is best on val. It
    compares only studies of the same data. Nothing is written.

    Examples:
      bloodstudy compare STUDY OTHER
      bloodstudy compare STUDY OTHER --margin 0.5 --json
    """
    if len(studies) < 2:
        raise DataError(
            "compare requires at least two studies",
            value=studies,
            remedy=f"add a study, or run '{shlex.join(['bloodstudy', 'report', *studies])}'",
        )
    ledgers = [open_ledger(storage, study) for study in studies]
    with raise_interrupts():
        from reports.analysis.study_comparison import compare_studies

        data_sets = compare_studies(ledgers, margin=margin / 100)
    if as_json:
        typer.echo(_format_json(data_sets))
    else:
        from study.console.comparison import print_comparison

        print_comparison(data_sets)
        words = ["bloodstudy", "report", *studies]
        words += [] if storage == options.DEFAULT_STORAGE else ["--storage", storage]
        words += [] if margin == 1 else ["--margin", f"{margin:g}"]
        typer.echo(f"\nWrite the report with: {shlex.join(words)}")
    if _name_problems(data_sets):
        raise typer.Exit(1)


def _name_problems(data_sets: "Sequence[DataSetComparison]") -> bool:
    """Name each trial that was left out on stderr; return whether there is one."""
    problems = [
        (name, problem)
        for data_set in data_sets
        for name, study in data_set.loaded_studies.items()
        for problem in study.problems
    ]
    for name, problem in problems:
        typer.echo(f"bloodstudy: skipped: {name}: {problem.trial_id}: {problem.reason}", err=True)
    return bool(problems)


def _format_json(data_sets: "Sequence[DataSetComparison]") -> str:
    """Return an array with an object per data set; NaN becomes null."""
    content = [
        {
            "data": data_set.data.name,
            "data_kind": data_set.data.kind,
            "data_sha256": data_set.data.sha256,
            "configurations": json.loads(
                data_set.scores.rename(columns={"configuration": "name"})
                .rename(columns={"label": "configuration"})
                .to_json(orient="records", double_precision=15)
            ),
            "same_models": {
                name: list(copies) for name, copies in data_set.compared.copies.items()
            },
            "pairs": json.loads(
                data_set.compared.pairs.to_json(orient="records", double_precision=15)
            ),
        }
        for data_set in data_sets
    ]
    return json.dumps(content, indent=2)
