"""`bloodstudy ensemble`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError
from study.cli import options
from study.cli.arguments import open_ledger
from study.cli.notices import print_skipped
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.analysis.votes import VoteComparison
    from reports.ledger.records import StudyRecord


def ensemble(
    study: options.StudyArgument,
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print JSON with every vote and its members, unrounded.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """Score votes of a study's models, without training.

    A vote predicts the class with the highest mean probability over its members:
    the replicates of one configuration, or of the best configurations on val. The
    table compares each vote with its members on test. Nothing is written.

    Examples:
      bloodstudy ensemble STUDY
      bloodstudy ensemble STUDY --json
    """
    ledger = open_ledger(storage, study)
    with raise_interrupts():
        from reports.analysis.distinct_models import list_copies
        from reports.analysis.votes import compare_votes
        from reports.ledger.loading import read_study_files
        from reports.study import Study

        results = Study(read_study_files(ledger))
        comparison = compare_votes(results.loaded_study, results.bootstrap)
        copies = list_copies(results.bootstrap.representatives)
    for problem in results.problems:
        print_skipped(f"{problem.trial_id}: {problem.reason}")
    if comparison is None:
        raise DataError(
            f"{ledger.name} has no vote: it needs two complete trials of a configuration, or two "
            "different configurations",
            path=str(ledger.location),
            remedy="train a grid with --seeds 3",
        )
    if as_json:
        typer.echo(_format_json(comparison, ledger.study, copies))
    else:
        from study.console.votes import print_votes

        print_votes(comparison, ledger.study.data, copies)
    if results.problems:
        raise typer.Exit(1)


def _format_json(
    comparison: "VoteComparison", study: "StudyRecord", copies: "Mapping[str, Sequence[str]]"
) -> str:
    """Return an object with the votes; NaN becomes null."""
    rows = json.loads(comparison.frame.to_json(orient="records", double_precision=15))
    votes = [
        row | {"configurations": list(vote.configurations), "trials": list(vote.trial_ids)}
        for row, vote in zip(rows, comparison.votes, strict=True)
    ]
    content = {
        "study": study.name,
        "data": study.data.name,
        "data_kind": study.data.kind,
        "data_sha256": study.data.sha256,
        "same_models": copies,
        "votes": votes,
    }
    return json.dumps(content, indent=2)
