"""`bloodstudy doctor`."""

import typer

from bloodnets.storage.location import parse_location
from study.cli import options
from study.runtime.environment import prepare_ray_environment, require_utf8_names


def doctor(
    *,
    data_file: options.DataFileOption = None,
    data_root: options.DataRootOption = None,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    address: options.AddressOption = None,
) -> None:
    """Check software, hardware, storage, data and Ray before a study.

    Each check prints one line. Warnings about the data follow on lines of their
    own. The exit code is 3 if a check fails.

    Examples:
      bloodstudy doctor
      bloodstudy doctor --storage s3://bucket/studies --address auto
    """
    cluster_address = None if address == "local" else address
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
    if failed:
        raise typer.Exit(3)
