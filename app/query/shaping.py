"""From rows of the driver, by position, to rows of a dataset."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from app.dataset import Cell
from app.resource import Computed, Lang, Lines, Resource, marker

Maker = Callable[[Sequence[Any]], Cell]


def shaper(
    resource: Resource, names: tuple[str, ...], paths: tuple[str, ...], lang: Lang
) -> Callable[[Sequence[Any]], list[Cell]]:
    """A function that makes the cells of the columns ``names`` from one stored row of ``paths``."""
    makers = [_maker(resource, name, paths, lang) for name in names]
    return lambda stored: [make(stored) for make in makers]


def _maker(resource: Resource, name: str, paths: tuple[str, ...], lang: Lang) -> Maker:
    origin = resource.origins[name]
    if isinstance(origin, Computed):
        function, places = origin.function, [paths.index(path) for path in origin.needs]
        return lambda stored: function(lang, *[stored[place] for place in places])
    place = paths.index(origin.path)
    if marker(resource.public.model_fields[name], Lines) is not None:
        return lambda stored: stored[place].splitlines()
    return lambda stored: plain(stored[place])


def plain(value: Any) -> Cell:
    """Dates and moments as ISO 8601 text; the rest as it is."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)  # PostgreSQL gives 157.0 for what was written as 157
    return value  # type: ignore[no-any-return]  # the driver's own plain types
