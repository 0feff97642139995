"""The figures of a run: printed at its end and, in the long form, kept in the documentation."""

import platform
from collections.abc import Callable
from pathlib import Path

import pysqlite3
import pytest

from tests.torture import LONG

KEPT = Path(__file__).parents[2] / "docs" / "reliability.md"
MARK = "<!-- made by `make torture` -->"

FIGURE = "figure: "
_figures: dict[str, str] = {}

Note = Callable[[str, str], None]


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Keep a figure, under the name of what was promised."""
    return lambda promise, found: record_property(FIGURE + promise, found)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take the figures from the report, which may come from another process."""
    if report.when == "call":
        found = ((name, value) for name, value in report.user_properties if name.startswith(FIGURE))
        _figures.update({name.removeprefix(FIGURE): str(value) for name, value in found})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures; keep those of the long form where everything held."""
    if not _figures:
        return
    terminalreporter.section("torture")
    for name, found in _figures.items():
        terminalreporter.write_line(f"{name}: {found}")
    if LONG and not terminalreporter.stats.get("failed"):
        lines = ["| promise | result |", "| --- | --- |", *(f"| {name} | {found} |" for name, found in _figures.items())]
        machine = f"Python {platform.python_version()}, SQLite {pysqlite3.sqlite_version}, {platform.system()}."
        head = KEPT.read_text().partition(MARK)[0]
        KEPT.write_text("\n".join([head + MARK, "", *lines, "", machine, ""]))
