"""`bloodstudy resume`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.backends import StudyPath
from study.cli import options
from study.cli.arguments import resolve_study_location
from study.cli.options import DeviceChoice


def resume(
    study: Annotated[str, typer.Argument(help="Its name, or the path of its folder.")],
    *,
    results: options.StorageOption = "results",
    data_file: Annotated[
        Path | None,
        typer.Option(show_default="where the study had it", help="The study's data."),
    ] = None,
    device: options.DeviceOption = DeviceChoice.AUTO,
    gpus_per_trial: options.GpusPerTrialOption = None,
    max_concurrent: options.MaxConcurrentOption = None,
    address: options.AddressOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """Go on with a study that was interrupted, with the options that it began with."""
    from study.cli.main import app

    arguments = make_resume_arguments(resolve_study_location(results, study), address)
    for option, value in (
        ("--data-file", data_file),
        ("--device", None if device is DeviceChoice.AUTO else device.value),
        ("--gpus-per-trial", gpus_per_trial),
        ("--max-concurrent", max_concurrent),
    ):
        arguments += [] if value is None else [option, str(value)]
    app([*arguments, *(["--quiet"] if quiet else [])])


def make_resume_arguments(location: StudyPath, address: str | None) -> list[str]:
    """What to tell the command `bloodstudy` to go on with a study.

    Args:
        location: the study is.
        address: that the user gave.

    Raises:
        ConflictError: there is no study, or its record does not hold a command.
        DataError: it ran on a cluster, and no address was given: one that stands in a folder
            that came from elsewhere is not connected to unasked.
    """
    from reports.ledger.ledger import Ledger

    study_record = Ledger(location).study
    program, *arguments = study_record.command or ("",)
    if not program.endswith("bloodstudy") or not arguments or arguments[0] != study_record.kind:
        raise ConflictError(
            f"{location / 'study.json'} does not say how the study was begun; give the same options "
            f"again, with --resume"
        )
    cluster_address = study_record.hardware.get("cluster", "")
    if address is None and cluster_address and not cluster_address.startswith("none"):
        raise DataError(
            f"{study_record.name} ran on the cluster at {cluster_address}; give --address {cluster_address} to go on "
            f"there, or --address local for this machine"
        )
    if isinstance(location, Path) and not location.name.strip("."):
        location = location.resolve()
    resume_options = ["--name", location.name, "--results", str(location.parent)]
    return [*arguments, "--resume", *resume_options, "--address", address or "local"]
