"""`bloodstudy doctor`."""

from typing import TYPE_CHECKING

import typer

from bloodnets.storage.backends import place
from study.cli import options

if TYPE_CHECKING:
    pass


def doctor(
    *,
    results: options.Results = "results",
    data_file: options.DataFile = None,
    data_root: options.DataRoot = None,
    address: options.ClusterAddress = None,
) -> None:
    """Check machine, Ray, GPU, data and storage, and say what a study would use."""
    from study.lifecycle.doctor import examine

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
