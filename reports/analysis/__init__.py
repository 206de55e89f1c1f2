"""Numbers from predictions: intervals, tests and comparisons, as data frames."""
