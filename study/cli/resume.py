"""`bloodstudy resume`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.backends import Place
from study.cli import options
from study.cli.arguments import place_of
from study.cli.options import Device


def resume(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.Results = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
    device: options.DeviceKind = Device.AUTO,
    gpus_per_trial: options.GpusPerTrial = None,
    max_concurrent: options.MaxConcurrent = None,
    address: options.ClusterAddress = None,
    quiet: options.Quiet = False,
) -> None:
    """Go on with a study that was interrupted, with the options that it began with."""
    from study.cli.main import app

    words = words_to_resume(place_of(results, study), address)
    for option, value in (
        ("--data-file", data_file),
        ("--device", None if device is Device.AUTO else device.value),
        ("--gpus-per-trial", gpus_per_trial),
        ("--max-concurrent", max_concurrent),
    ):
        words += [] if value is None else [option, str(value)]
    app([*words, *(["--quiet"] if quiet else [])])


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
