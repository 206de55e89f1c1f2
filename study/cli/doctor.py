"""`bloodstudy doctor`."""

import typer

from bloodnets.storage.location import parse_location
from study.cli import options


def doctor(
    *,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    data_file: options.DataFileOption = None,
    data_root: options.DataRootOption = None,
    address: options.AddressOption = None,
) -> None:
    """Check software, host, GPU, storage, data and Ray, and show what a study would use."""
    from study.lifecycle.doctor import run_checks

    check_results = run_checks(
        storage_root=parse_location(storage),
        data_file=data_file,
        data_root=data_root,
        address=None if address == "local" else address,
    )
    failed = False
    for check_result in check_results:
        typer.echo(check_result.text)
        failed = failed or not check_result.passed
    if failed:
        raise typer.Exit(3)
