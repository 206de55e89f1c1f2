"""`bloodstudy doctor`."""

from typing import Annotated

import typer

from bloodnets.errors import DataError
from bloodnets.storage.location import parse_location
from study.cli import options
from study.runtime.environment import prepare_ray_environment, require_utf8_names


def doctor(
    *,
    data_file: options.DataFileOption = None,
    data_root: options.DataRootOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    address: options.AddressOption = None,
    measure_concurrency: Annotated[
        bool,
        typer.Option(
            "--measure-concurrency",
            help="Also measure, in about a minute, how many trials should share a GPU of this "
            "machine, or how many cores of its CPU a trial should have.",
        ),
    ] = False,
) -> None:
    """Check software, hardware, storage, data and Ray before a study.

    Each check prints one line. Warnings about the data follow on lines of their
    own. The exit code is 3 if a check fails.

    Examples:
      bloodstudy doctor
      bloodstudy doctor --storage s3://bucket/studies --address auto
      bloodstudy doctor --measure-concurrency
    """
    cluster_address = None if address == "local" else address
    if measure_concurrency and cluster_address is not None:
        raise DataError(
            "--measure-concurrency cannot be combined with --address",
            value=cluster_address,
            remedy="run it on a node of the cluster, with --address local",
        )
    require_utf8_names()
    prepare_ray_environment(cluster_address)
    from study.lifecycle.doctor import run_checks

    check_results = run_checks(
        storage_root=parse_location(storage),
        data_file=data_file,
        data_root=data_root,
        address=cluster_address,
    )
    failed = False
    for check_result in check_results:
        typer.echo(check_result.text)
        failed = failed or not check_result.passed
    if measure_concurrency:
        from study.lifecycle.concurrency_report import report_concurrency

        for line in report_concurrency():
            typer.echo(line)
    if failed:
        raise typer.Exit(3)
