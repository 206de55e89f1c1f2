"""`bloodstudy report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError
from bloodnets.storage.location import RemotePath, parse_location
from study.cli import options
from study.cli.arguments import resolve_study_location
from study.runtime.signals import enable_keyboard_interrupt

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger


def report(
    studies: Annotated[
        list[str],
        typer.Argument(help="A study's name, or the path of its folder; several are compared."),
    ],
    *,
    storage: options.StorageOption = "results",
    output: Annotated[
        Path | None,
        typer.Option(
            show_default="report, in the study's folder; of a study elsewhere, NAME-report here; "
            "of several, their names in --storage",
            help="Folder of the report.",
        ),
    ] = None,
    data_file: Annotated[
        Path | None,
        typer.Option(
            show_default="where the study had it",
            help="The study's data, to show the images that were most often wrong.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check every number against the predictions; write nothing."),
    ] = False,
) -> None:
    """Make a study's report again, from what is stored, or one report of several studies."""
    from reports.ledger.ledger import Ledger

    ledgers = [Ledger(resolve_study_location(storage, study)) for study in studies]
    if verify:
        if output is not None:
            raise DataError("--verify writes nothing; leave --output out")
        _verify_studies(ledgers, data_file)
    elif len(ledgers) == 1:
        _write_study_report(ledgers[0], output, data_file)
    elif data_file is not None:
        raise DataError("--data-file belongs to one study; leave it out, or name one study")
    else:
        from reports.page.multi_study import write_multi_study_report

        names = "+".join(ledger.name for ledger in ledgers)[:100]
        storage_root = parse_location(storage)
        with enable_keyboard_interrupt():
            report_path = write_multi_study_report(
                ledgers,
                folder=output
                or (storage_root if isinstance(storage_root, Path) else Path()) / names,
            )
        typer.echo(report_path)


def _write_study_report(ledger: "Ledger", output: Path | None, data_file: Path | None) -> None:
    """Write one study's report; exit code 1 if something had to be left out of it."""
    # With matplotlib, for which a wrong name need not wait.
    from reports.page.publish import require_report_folder, write_analysis
    from reports.sections.findings import analyze
    from study.datasets.lookup import find_test_images

    images = find_test_images(ledger.study, data_file)
    if output is None and isinstance(ledger.location, RemotePath):
        output = Path(f"{ledger.name}-report")
    if output is not None:
        require_report_folder(output)
    with enable_keyboard_interrupt():
        analysis = analyze(ledger, images)
        report_path = write_analysis(analysis, output or ledger.folder / "report")
    typer.echo(report_path)
    problems = analysis.study.problems
    for problem in problems:
        typer.echo(f"bloodstudy: left out: {problem.trial_id}: {problem.reason}", err=True)
    if problems:
        raise typer.Exit(1)


def _verify_studies(ledgers: "list[Ledger]", data_file: Path | None) -> None:
    from reports.verification.verify import verify_study
    from study.datasets.lookup import find_test_images

    for ledger in ledgers:
        for line in verify_study(ledger, images=find_test_images(ledger.study, data_file)):
            typer.echo(f"{ledger.study.name}: {line}" if len(ledgers) > 1 else line)
