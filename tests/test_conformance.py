"""The page about other people's software: complete, and written by no ordinary run."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conformance

SESSION: Any = SimpleNamespace(config=SimpleNamespace(option=SimpleNamespace(keyword="", file_or_dir=[])))
WORKER: Any = SimpleNamespace(config=SimpleNamespace(option=SESSION.config.option, workerinput={}))


@pytest.mark.parametrize(("session", "asked", "written"), [(SESSION, False, False), (SESSION, True, True), (WORKER, True, False)])
def test_an_ordinary_run_leaves_the_page_as_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    session: Any,
    asked: bool,  # noqa: FBT001
    written: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(conformance, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(conformance, "WRITES", asked)
    monkeypatch.setattr(conformance, "_results", {"curl": {"resumes a download": "yes"}})
    conformance.pytest_sessionfinish(session)
    assert (tmp_path / "page.md").exists() == written


def test_the_page_names_every_client_and_capability(request: pytest.FixtureRequest) -> None:
    page = conformance.PAGE.read_text("utf8")
    marks = [item.get_closest_marker(name) for item in request.session.items for name in ("client", "capability")]
    assert page.startswith(conformance.HEAD)
    assert sorted({mark.args[0] for mark in marks if mark is not None and mark.args[0] not in page}) == []
