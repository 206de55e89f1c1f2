"""Columns that several tables share."""

from reports.format.table import Column
from reports.format.units import Unit

CONFIGURATION_COLUMN = Column(key="configuration", heading=("Configuration",))


def make_interval_column(
    key: str, *, unit: Unit = "interval", is_lower_better: bool = False
) -> Column:
    """Return the column of the 95% confidence interval of a column."""
    heading = ("95% confidence", "interval")
    return Column(key=key, heading=heading, unit=unit, is_lower_better=is_lower_better)
