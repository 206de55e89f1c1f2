"""The command `bloodstudy`: one module per command, and the only place that imports typer."""
