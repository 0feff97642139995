"""The page docs/conformance.md: the results of the tests that run other people's software against the service.

``client`` marks whose software a test runs, ``capability`` what it does with the service. `make conformance` writes the page,
and no other run: the result depends on the software that the machine has.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"
HEAD = """# Conformance

Other people's software, and what it was seen to do with the service. Each cell is a test (in `tests/clients/` and next to the
features) that runs this software against the running service. `make conformance` writes this page.
"""

WRITES = os.environ.get("CONFORMANCE") == "write"
"""Write the page at the end of this run."""
CLIENT = "client: "
_results: dict[str, dict[str, str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line("markers", "client(name): the software that the test runs")
    config.addinivalue_line("markers", "capability(name): what the software does with the service")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the marks to the report, which may go to another process."""
    report = yield
    client, capability = item.get_closest_marker("client"), item.get_closest_marker("capability")
    if client and capability:
        report.user_properties.append((CLIENT + client.args[0], capability.args[0]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the result of a client's test; where several tests share a cell, all must pass."""
    if not (report.when == "call" or report.skipped or report.failed):
        return
    for client, capability in ((name, str(value)) for name, value in report.user_properties if name.startswith(CLIENT)):
        cells = _results.setdefault(client.removeprefix(CLIENT), {})
        result = "yes" if report.passed else _reason(report.longrepr) if report.skipped else "no"
        if cells.get(capability, "yes") == "yes":
            cells[capability] = result


def _reason(skipped: object) -> str:
    return str(skipped[2]).removeprefix("Skipped: ") if isinstance(skipped, tuple) else str(skipped)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page if this run is asked to, in the one process that has seen all tests."""
    if WRITES and _results and not hasattr(session.config, "workerinput"):
        PAGE.write_text(page())


def page() -> str:
    """Return the page: a table of the clients with several capabilities, and a list of the others."""
    notes: list[str] = []

    def cell(result: str) -> str:
        if result in ("yes", "no", "–"):
            return result
        if result not in notes:
            notes.append(result)
        return f"see {notes.index(result) + 1}"

    many = {client: cells for client, cells in sorted(_results.items()) if len(cells) > 1}
    capabilities = sorted({name for cells in many.values() for name in cells}, key=str.lower)
    lines = [HEAD, "## SDMX", "", f"| | {' | '.join(many)} |", f"| --- |{' --- |' * len(many)}"]
    lines += [f"| {name} | {' | '.join(cell(cells.get(name, '–')) for cells in many.values())} |" for name in capabilities]
    lines += ["", "–: the client has no such thing, or it was not tried.", ""]
    others = [
        f"| {client} | {name} | {cell(result)} |"
        for client, cells in _results.items()
        if client not in many
        for name, result in cells.items()
    ]
    if notes:
        lines += [*(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""]
    lines += ["## Others", "", "| client | what it does | |", "| --- | --- | --- |", *sorted(others), ""]
    return "\n".join(lines)
