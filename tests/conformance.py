"""What software that nobody here wrote can do with the service: from the tests that run it, into docs/conformance.md.

``client`` marks whose software a test runs, ``capability`` what it does with the service. `make conformance` writes the page.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"
HEAD = """# Who reads this service

Software that nobody here wrote, and what it was seen to do with the service. Every cell is a test (`tests/clients/` and beside
the features) that runs this software against the running service. `make conformance` writes this page.
"""

WRITES = os.environ.get("CONFORMANCE") == "write"
"""Other runs leave the tree as it is: what they find depends on what the machine has."""
CLIENT = "client: "
_found: dict[str, dict[str, str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known."""
    config.addinivalue_line("markers", "client(name): whose software the test runs")
    config.addinivalue_line("markers", "capability(name): what that software does with the service")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the marks into the report, which may go to another process."""
    report = yield
    client, capability = item.get_closest_marker("client"), item.get_closest_marker("capability")
    if client and capability:
        report.user_properties.append((CLIENT + client.args[0], capability.args[0]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test of a client has found; where several test the same, all must pass."""
    if not (report.when == "call" or report.skipped or report.failed):
        return
    for client, capability in ((name, str(value)) for name, value in report.user_properties if name.startswith(CLIENT)):
        cells = _found.setdefault(client.removeprefix(CLIENT), {})
        found = "yes" if report.passed else _reason(report.longrepr) if report.skipped else "no"
        if cells.get(capability, "yes") == "yes":
            cells[capability] = found


def _reason(skipped: object) -> str:
    return str(skipped[2]).removeprefix("Skipped: ") if isinstance(skipped, tuple) else str(skipped)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page where that is asked for; one of several processes has seen all tests."""
    if WRITES and _found and not hasattr(session.config, "workerinput"):
        PAGE.write_text(page())


def page() -> str:
    """The page: a table of what SDMX clients do, and a list of the other clients."""
    notes: list[str] = []

    def cell(found: str) -> str:
        if found in ("yes", "no", "–"):
            return found
        if found not in notes:
            notes.append(found)
        return f"see {notes.index(found) + 1}"

    many = {client: cells for client, cells in sorted(_found.items()) if len(cells) > 1}
    capabilities = sorted({name for cells in many.values() for name in cells}, key=str.lower)
    lines = [HEAD, "## SDMX", "", f"| | {' | '.join(many)} |", f"| --- |{' --- |' * len(many)}"]
    lines += [f"| {name} | {' | '.join(cell(cells.get(name, '–')) for cells in many.values())} |" for name in capabilities]
    lines += ["", "–: the client has no such thing, or it was not tried.", ""]
    others = [
        f"| {client} | {name} | {cell(found)} |"
        for client, cells in _found.items()
        if client not in many
        for name, found in cells.items()
    ]
    if notes:
        lines += [*(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""]
    lines += ["## Others", "", "| client | what it does | |", "| --- | --- | --- |", *sorted(others), ""]
    return "\n".join(lines)
