"""What all tests share."""

import pytest
from hypothesis import settings

# The machine's speed decides no test, and every run tries the same examples.
settings.register_profile("bloodstudy", deadline=None, derandomize=True)
settings.load_profile("bloodstudy")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults: what each test of `tests/faults` reached."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "fault" and report.when == "call"
    ]
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line("| fault | promise | reached |\n|---|---|---|")
        for row in rows:
            terminalreporter.write_line(f"| {' | '.join(row)} |")
