"""Pydantic's validation errors translated into findings, with suggestions and allowed values."""

from collections.abc import Iterable
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from app.domain.hedges import HEDGES
from app.errors import nearest
from app.publishing.document import Document
from app.publishing.parts import DocumentPart
from app.publishing.rules import Finding
from app.publishing.yaml import Path

MOST_SHOWN = 100
"""Characters of a wrong value or key that a message repeats."""


def finding_of(details: Any, part: DocumentPart) -> Finding:
    """Return the finding for one error that pydantic reports about a part."""
    path = (*part.path, *details["loc"])
    if details["type"] == "missing":
        return Finding(path[:-1], "missing", f"{path[-1]} is missing")
    if details["type"] == "extra_forbidden":
        options = _keys_at(path[:-1])
        name = str(path[-1])[:MOST_SHOWN]
        return Finding(path, "unknown_key", f"unknown key {name}", suggestion=nearest(name, options), allowed=options)
    value = _value_at(part.value, details["loc"])
    allowed = _choices_at(path)
    message = details["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "expected").replace("Input should", "expected to")
    if details["type"] == "string_type" and isinstance(value, int):
        return Finding(path, "string_type", "a number; expected text, so put it in quotes", suggestion=f"'{value}'")
    if allowed is not None:
        message = f"{str(value)[:MOST_SHOWN]} is none of the allowed values"
    suggestion = nearest(value, allowed) if isinstance(value, str) and allowed else None
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
    """Return the type at ``path`` without optional and list, or None if unknown."""
    kind: Any = Document
    for step in path:
        if isinstance(step, int):
            continue
        info = kind.model_fields.get(step) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if info is None:
            return None
        kind = _unwrapped(info.annotation)
    return kind


def _unwrapped(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return _unwrapped(next(part for part in get_args(kind) if part is not type(None)))
    return _unwrapped(get_args(kind)[0]) if get_origin(kind) is list else kind
