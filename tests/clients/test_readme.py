"""The clients in the documentation run, and print what it says they do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CLIENTS = [client for page in PAGES for client in re.findall(r"```(sh|python|r)\n(.*?)```", page.read_text("utf8"), re.DOTALL)]
COMMANDS = {"sh": ["sh", "-c"], "python": [sys.executable, "-c"], "r": ["Rscript", "-e"]}
UTF_8 = {**os.environ, "LANG": "C.UTF-8"}
NAMES = ("curl", "httpx", "pandas", "sdmx1", "R")


def marked(name: str, language: str, program: str) -> object:
    """Return the parameters of a client, with its marks."""
    marks = [pytest.mark.client(f"{name}, in the quickstart"), pytest.mark.capability("prints what the quickstart says")]
    return pytest.param(language, program, marks=marks, id=name)


@pytest.mark.parametrize(("language", "program"), [marked(name, *client) for name, client in zip(NAMES, CLIENTS, strict=True)])
def test_a_client_prints_what_the_documentation_says(service: str, language: str, program: str) -> None:
    runner = COMMANDS[language][0]
    if shutil.which(runner) is None or (language == "sh" and shutil.which("curl") is None):
        pytest.skip(f"{'curl' if language == 'sh' else runner} is not installed")
    expected = [line.removeprefix("# ") for line in program.splitlines() if line.startswith("# ")]
    command = [*COMMANDS[language], program.replace("http://127.0.0.1:8000", service)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=UTF_8)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == expected
