"""`bloodstudy list`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import ConflictError
from bloodnets.storage.location import StudyPath, parse_location
from study.cli import options

if TYPE_CHECKING:
    from study.lifecycle.study_list import ListedStudy


def list_studies(
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print a JSON array with more fields and unrounded scores.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """List the studies in --storage, the last changed first.

    The score is that of the configuration that is best on val. It is on test,
    with its standard deviation over the replicates.

    Examples:
      bloodstudy list
      bloodstudy list --storage s3://bucket/studies --json
    """
    storage_root = parse_location(storage)
    if (
        isinstance(storage_root, Path)
        and not storage_root.exists()
        and storage != options.DEFAULT_STORAGE  # which the first study creates
    ):
        raise ConflictError(
            f"there is no folder {storage_root}",
            path=storage_root,
            remedy="choose another --storage",
        )
    studies, n_damaged = _read_studies(storage_root)
    if as_json:
        from reports.ledger.serialization import to_json

        typer.echo(to_json(studies, indent=2).decode())
    elif studies:
        from study.lifecycle.study_table import print_studies

        print_studies(studies)
    if n_damaged:
        raise typer.Exit(1)
    if not studies:
        typer.echo(f"bloodstudy: no study in {storage_root}/", err=True)


def _read_studies(storage_root: StudyPath) -> "tuple[list[ListedStudy], int]":
    """Return the studies that can be read, and the number of the others, each named on stderr."""
    from reports.ledger.ledger import Ledger
    from study.lifecycle.study_list import describe_study, list_study_names

    studies, n_damaged = [], 0
    for name in list_study_names(storage_root):
        try:
            studies.append(describe_study(Ledger(storage_root / name)))
        except ConflictError as error:
            typer.echo(f"bloodstudy: {error}", err=True)
            n_damaged += 1
    return sorted(studies, key=lambda study: study.changed_at, reverse=True), n_damaged
