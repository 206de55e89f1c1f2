"""Ledger of a study and its report, without torch or ray.

`load_study` reads a study in Python; see `docs/how-to/notebook.md`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.study import Study, load_study

__all__ = ["Study", "load_study"]


def __getattr__(name: str) -> Any:
    """Import pandas and SciPy only when a study is loaded: commands start faster (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("reports.study"), name)
