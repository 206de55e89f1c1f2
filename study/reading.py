"""The commands that read a study, or the machine, and train at most one trial."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.backends import Address, Place, place
from study import options
from study.interrupts import tidily

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger


def status(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.Results = "results",
) -> None:
    """Say what of a study is done, failed and left, and how to go on with it."""
    from reports.ledger.ledger import Ledger
    from study.status import lines

    for line in lines(Ledger(place_of(results, study))):
        typer.echo(line)


def doctor(
    *,
    results: options.Results = "results",
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    address: options.ClusterAddress = None,
) -> None:
    """Check machine, Ray, GPU, data and storage, and say what a study would use."""
    from study.doctor import examine

    found = examine(
        results=place(results),
        data_file=data_file,
        data_root=data_root,
        address=None if address == "local" else address,
    )
    failed = False
    for line in found:
        typer.echo(line.text)
        failed = failed or not line.passed
    if failed:
        raise typer.Exit(3)


def replay(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    trial: Annotated[str, typer.Argument(help="Its name, as in the report: trial-17.")],
    *,
    results: options.Results = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
) -> None:
    """Train one trial of a study again, and say how far it comes out otherwise."""
    from rich.console import Console

    from reports.ledger.ledger import Ledger
    from study.replay import find_cells, lines
    from study.replay import replay as train_again

    ledger = Ledger(place_of(results, study))
    cells = find_cells(ledger.study, data_file)
    with Console(stderr=True).status(f"{trial}: the first epoch") as status:
        found = train_again(ledger, trial, cells, on_epoch=status.update)
    for line in lines(found):
        typer.echo(line)


def report(
    studies: Annotated[
        list[str],
        typer.Argument(help="A study's name, or the path of its folder; several are compared."),
    ],
    *,
    results: options.Results = "results",
    output: Annotated[
        Path | None,
        typer.Option(
            show_default="report, in the study's folder; of a study elsewhere, NAME-report here; "
            "of several, their names in --results",
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

    ledgers = [Ledger(place_of(results, study)) for study in studies]
    if verify:
        if output is not None:
            raise DataError("--verify writes nothing; leave --output out")
        _verify(ledgers, data_file)
    elif len(ledgers) == 1:
        _report(ledgers[0], output, data_file)
    elif data_file is not None:
        raise DataError("--data-file belongs to one study; leave it out, or name one study")
    else:
        from reports.page.multi_study import compare

        names = "+".join(ledger.name for ledger in ledgers)[:100]
        here = place(results)
        with tidily():
            index = compare(
                ledgers, place=output or (here if isinstance(here, Path) else Path()) / names
            )
        typer.echo(index)


def _report(ledger: "Ledger", output: Path | None, data_file: Path | None) -> None:
    """Write one study's report; exit code 1 if something had to be left out of it."""
    from reports.ledger.loading import read
    from reports.page.publish import (
        write_report,  # imports matplotlib, which a wrong name need not await
    )
    from study.images import find_images

    images = find_images(ledger.study, data_file)
    if output is None and isinstance(ledger.place, Address):
        output = Path(f"{ledger.name}-report")
    with tidily():
        index = write_report(ledger, place=output, images=images)
    typer.echo(index)
    problems = read(ledger).problems
    for problem in problems:
        typer.echo(f"bloodstudy: left out: {problem.trial}: {problem.reason}", err=True)
    if problems:
        raise typer.Exit(1)


def _verify(ledgers: "list[Ledger]", data_file: Path | None) -> None:
    from reports.verification.verify import verify
    from study.images import find_images

    for ledger in ledgers:
        for line in verify(ledger, images=find_images(ledger.study, data_file)):
            typer.echo(f"{ledger.study.name}: {line}" if len(ledgers) > 1 else line)


def place_of(results: str, study: str) -> Place:
    """Of a study that is named, or whose folder or address is."""
    here = place(results)
    if isinstance(here, Address):
        return here / study if "://" not in study else place(study)
    return here / study if (here / study).is_dir() else place(study)


def words_to_resume(where: Place, address: str | None) -> list[str]:
    """What to tell the command `bloodstudy` to go on with a study.

    Args:
        where: the study is.
        address: that the user gave.

    Raises:
        ConflictError: there is no study, or its record does not hold a command.
        DataError: it ran on a cluster, and no address was given: one that stands in a folder
            that came from elsewhere is not connected to unasked.
    """
    from reports.ledger.ledger import Ledger

    study = Ledger(where).study
    ours, *words = study.command or ("",)
    if not ours.endswith("bloodstudy") or not words or words[0] != study.kind:
        raise ConflictError(
            f"{where / 'study.json'} does not say how the study was begun; give the same options "
            f"again, with --resume"
        )
    cluster = study.hardware.get("cluster", "")
    if address is None and cluster and not cluster.startswith("none"):
        raise DataError(
            f"{study.name} ran on the cluster at {cluster}; give --address {cluster} to go on "
            f"there, or --address local for this machine"
        )
    if isinstance(where, Path) and not where.name.strip("."):
        where = where.resolve()
    options = ["--name", where.name, "--results", str(where.parent)]
    return [*words, "--resume", *options, "--address", address or "local"]
