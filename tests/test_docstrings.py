"""The language of docstrings: an imperative for functions, a noun phrase for classes and modules, 80 characters at most."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "app"
CLAUSES = {"What", "That", "Those", "Whether", "Which", "Who", "How", "Where", "When", "Why"}
"""First words that begin a clause where an imperative or a noun is expected."""
LONGEST = 80

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
MODULES = sorted(path for path in ROOT.rglob("*.py"))


def docstrings(path: Path) -> Iterator[tuple[Documented, str]]:
    """Yield each documented definition of a module with its docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_begin_with_an_imperative_or_a_noun(path: Path) -> None:
    clauses = [text.splitlines()[0] for _, text in docstrings(path) if text.split()[0].strip("`,.:") in CLAUSES]
    assert clauses == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_first_lines_of_functions_are_short(path: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    firsts = [text.splitlines()[0] for node, text in docstrings(path) if isinstance(node, functions)]
    assert [line for line in firsts if len(line) > LONGEST] == []
