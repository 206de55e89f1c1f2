"""Access to a study in Python."""

from reports.study.study import Study, load_study

__all__ = ["Study", "load_study"]
