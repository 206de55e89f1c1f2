"""List the large packages, and parts of packages, that a piece of code imports."""

import subprocess
import sys

HEAVY_PACKAGES = (
    "torch", "torch._dynamo", "sympy", "ray", "medmnist", "numpy", "scipy", "sklearn", "pandas",
    "matplotlib", "optuna",
)  # fmt: skip

RUN_COMMAND = """
from study.cli.main import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
"""
"""Code that runs `bloodstudy` with the arguments of the process."""


def list_heavy_imports(code: str, *arguments: str) -> set[str]:
    """Return the `HEAVY_PACKAGES` that a new process has imported after running the code."""
    probe = f"import sys\n{code}\nprint('imported:', *(set(sys.modules) & set({HEAVY_PACKAGES!r})))"
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].removeprefix("imported:").split())
