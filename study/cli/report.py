"""`bloodstudy report`."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError, StudyError
from bloodnets.storage.location import RemotePath, parse_location
from study.cli import options
from study.cli.arguments import open_ledger
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger


OutputOption = Annotated[
    Path | None,
    typer.Option(
        parser=options.parse_path,
        metavar="PATH",
        show_default="report in the folder of the study",
        help="Folder for the report. The default is STUDY-report for a remote study, and "
        "STUDY+STUDY in --storage for several studies.",
        rich_help_panel=options.OUTPUT_PANEL,
    ),
]


def report(
    studies: options.StudiesArgument,
    *,
    data_file: options.StudyDataFileOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    output: OutputOption = None,
    margin: options.MarginOption = 1.0,
    open_page: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Open the report in a browser.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Recompute every number from the stored predictions and write nothing.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
    from_weights: Annotated[
        bool,
        typer.Option(
            "--from-weights",
            help="With --verify: also recompute every prediction from the stored weights, which "
            "needs the data.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False,
) -> None:
    """Write the report of a study, or one that compares several.

    A grid and a search write a report when they end. This command writes it
    again and replaces the old one.

    Examples:
      bloodstudy report STUDY --open
      bloodstudy report STUDY OTHER --output comparison
      bloodstudy report STUDY --verify --from-weights
    """
    ledgers = [open_ledger(storage, study) for study in studies]
    if verify:
        for option, is_given in (("--output", output is not None), ("--open", open_page)):
            if is_given:
                raise DataError(
                    f"--verify cannot be combined with {option}", remedy=f"omit {option}"
                )
        _verify_studies(ledgers, data_file, from_weights=from_weights)
    elif from_weights:
        raise DataError("--from-weights requires --verify", remedy="add --verify")
    elif len(ledgers) == 1:
        with _pause_garbage_collection():
            _write_study_report(ledgers[0], output, data_file, margin / 100, open_page=open_page)
    elif data_file is not None:
        raise DataError(
            "--data-file cannot be combined with several studies",
            remedy="omit --data-file, or name only one study",
        )
    else:
        _write_multi_study_report(ledgers, output, storage, margin / 100, open_page=open_page)


def _write_multi_study_report(
    ledgers: "list[Ledger]", output: Path | None, storage: str, margin: float, *, open_page: bool
) -> None:
    from reports.page.report_folder import require_report_folder

    names = "+".join(ledger.name for ledger in ledgers)[:100]
    storage_root = parse_location(storage)
    parent = storage_root if isinstance(storage_root, Path) else Path()
    folder = output or parent / names
    require_report_folder(folder)
    from reports.page.multi_study import write_multi_study_report

    with raise_interrupts():
        report_path = write_multi_study_report(ledgers, folder=folder, margin=margin)
    _show_report(report_path, open_page=open_page)


def _write_study_report(
    ledger: "Ledger",
    output: Path | None,
    data_file: Path | None,
    margin: float,
    *,
    open_page: bool,
) -> None:
    """Write the report of one study; exit with code 1 if a trial is left out of it."""
    from reports.page.report_folder import require_report_folder

    if output is None and isinstance(ledger.location, RemotePath):
        output = Path(f"{ledger.name}-report")
    if output is not None:
        require_report_folder(output)
    from study.datasets.lookup import find_test_images

    images = find_test_images(ledger.study, data_file)
    if images is None:
        data = ledger.study.data
        typer.echo(
            f"bloodstudy: the report shows no test images: {data.path or data.name} is missing or "
            "has changed; pass --data-file",
            err=True,
        )
    # These import pandas and matplotlib; a wrong name should be reported before.
    from reports.page.publish import write_analysis
    from reports.sections.findings import analyze
    from study.runtime.cores import count_available_cores

    with raise_interrupts():
        analysis = analyze(ledger, images, margin=margin)
        report_path = write_analysis(
            analysis,
            output or ledger.folder / "report",
            # On macOS, system libraries do not work after a fork.
            parallel=sys.platform == "linux" and count_available_cores() > 1,
        )
    if output is None:
        _log_report(ledger)
    _show_report(report_path, open_page=open_page)
    problems = analysis.study.problems
    for problem in problems:
        typer.echo(f"bloodstudy: skipped: {problem.trial_id}: {problem.reason}", err=True)
    if problems:
        raise typer.Exit(1)


def _show_report(report_path: Path, *, open_page: bool) -> None:
    """Print the path of a report; open it in a browser if requested."""
    from study.console.report_link import open_report, print_report_path

    print_report_path(report_path)
    if open_page and not open_report(report_path):
        typer.echo(f"bloodstudy: no browser was found; open {report_path} in one", err=True)


def _log_report(ledger: "Ledger") -> None:
    """Enter the report in the log, unless the study is running or of version 3 of the format."""
    from study.runtime.lock import lock_study

    if ledger.files.has_log:
        # A report can be read without its entry, and the study's own report is entered at its end.
        with suppress(StudyError), lock_study(ledger.location):
            ledger.log.add_report()


@contextmanager
def _pause_garbage_collection() -> Iterator[None]:
    """Pause garbage collection, which takes a tenth of the time and frees 5% of the memory."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _verify_studies(ledgers: "list[Ledger]", data_file: Path | None, *, from_weights: bool) -> None:
    for ledger in ledgers:
        for line in _verify_study(ledger, data_file, from_weights=from_weights):
            typer.echo(f"{ledger.study.name}: {line}" if len(ledgers) > 1 else line)


def _verify_study(
    ledger: "Ledger", data_file: Path | None, *, from_weights: bool
) -> "Iterator[str]":
    from reports.verification.verify import raise_disagreements, verify_study
    from study.datasets.lookup import find_test_images, load_study_data

    if not from_weights:
        yield from verify_study(ledger, images=find_test_images(ledger.study, data_file))
        return
    cells = load_study_data(ledger.study, data_file)  # without them, nothing is checked
    yield from verify_study(ledger, images=cells.test.images)
    from rich.console import Console

    from study.inference.recompute import check_weights

    with Console(stderr=True).status("recomputing …") as status, raise_disagreements():
        yield check_weights(ledger, cells, on_trial=lambda name: status.update(f"{name} …"))
