"""The README is true: its examples run, and it names every resource, format, setting and command."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.main import get_command

import app
from app.cli import commands
from app.formats import FORMATS
from app.resources import ALL
from app.settings import Settings

README = (Path(app.__file__).parent.parent / "README.md").read_text("utf8")
EXAMPLES = re.findall(r"```console\n\$ curl '([^']+)'\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("address", "shown"), EXAMPLES, ids=lambda text: text[:60])
def test_every_example_runs(seed_client: TestClient, address: str, shown: str) -> None:
    answer = seed_client.get(address.removeprefix("http://127.0.0.1:8000"))
    if "json" in answer.headers["content-type"]:
        assert answer.json() == json.loads(shown)
    else:
        assert answer.text.replace("\r\n", "\n") == shown


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == README.count("$ curl") > 3


def test_everything_is_named() -> None:
    names = [f"`{resource.name}`" for resource in ALL]
    names += [f"`{format_.name}`" for format_ in FORMATS]
    names += [f"`{name.upper()}`" for name in Settings.model_fields]
    group: Any = get_command(commands)
    names += [f"indicators {name}" for name in group.commands]
    assert [name for name in names if name not in README] == []
