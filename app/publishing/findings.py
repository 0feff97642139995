"""What pydantic finds wrong with a part of a document, in the words of this project."""

from collections.abc import Iterable
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from app.domain.hedges import HEDGES
from app.errors import nearest
from app.publishing.document import Document
from app.publishing.parts import Part
from app.publishing.rules import Finding
from app.publishing.yaml import Path

MOST_SHOWN = 100
"""Characters of what was given that are repeated."""


def finding_of(details: Any, part: Part) -> Finding:
    """Say in the words of this project what pydantic found wrong with a part."""
    path = (*part.path, *details["loc"])
    if details["type"] == "missing":
        return Finding(path[:-1], "missing", f"{path[-1]} is missing")
    if details["type"] == "extra_forbidden":
        options = _keys_at(path[:-1])
        name = str(path[-1])[:MOST_SHOWN]
        return Finding(path, "unknown_key", f"unknown key {name}", suggestion=nearest(name, options), allowed=options)
    given = _value_at(part.value, details["loc"])
    allowed = _choices_at(path)
    message = details["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "expected").replace("Input should", "expected to")
    if details["type"] == "string_type" and isinstance(given, int):
        return Finding(path, "string_type", "a number; expected text, so put it in quotes", suggestion=f"'{given}'")
    if allowed is not None:
        message = f"{str(given)[:MOST_SHOWN]} is none of the allowed values"
    suggestion = nearest(given, allowed) if isinstance(given, str) and allowed else None
    return Finding(path, details["type"], message, suggestion=suggestion, allowed=allowed)


def _value_at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return None
    return data


def _keys_at(path: Path) -> tuple[str, ...]:
    model = _type_at(path)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _choices_at(path: Path) -> tuple[str, ...] | None:
    if path[-1:] == ("hedge",):
        return tuple(HEDGES)
    kind = _type_at(path)
    return get_args(kind) if get_origin(kind) is Literal else None


def _type_at(path: Iterable[str | int]) -> Any:
    """The type that the format has at ``path``, without None and lists around it; None where it has nothing there."""
    kind: Any = Document
    for step in path:
        if isinstance(step, int):
            continue
        info = kind.model_fields.get(step) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if info is None:
            return None
        kind = _bare(info.annotation)
    return kind


def _bare(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return _bare(get_args(kind)[0]) if get_origin(kind) is list else kind
