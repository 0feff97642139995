"""The vocabulary of a document: entities and indicators that other sources declare."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.resources.mixins import EntityKind


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """A declared entity: its kind, and the source that declares it."""

    kind: EntityKind
    source: str


@dataclass(frozen=True, slots=True)
class KnownIndicator:
    """A declared indicator: its unit, and the source that declares it."""

    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Declarations:
    """Declared entities and indicators by id; a small ``Vocabulary`` in memory."""

    entities: dict[str, KnownEntity] = field(default_factory=dict)
    indicators: dict[str, KnownIndicator] = field(default_factory=dict)

    def by_ids(self, entities: Collection[str], indicators: Collection[str]) -> "Declarations":
        """Return the declarations of these ids."""
        return Declarations(
            {name: self.entities[name] for name in entities if name in self.entities},
            {name: self.indicators[name] for name in indicators if name in self.indicators},
        )

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:  # noqa: ARG002  few enough to return all
        """Return all ids of these kinds (all if empty) from sources other than ``but``."""
        if kinds == INDICATOR:
            return (key for key, indicator in self.indicators.items() if indicator.source != but)
        fitting = (item for item in self.entities.items() if not kinds or item[1].kind in kinds)
        return (key for key, entity in fitting if entity.source != but)


INDICATOR = ("indicator",)
"""The value of ``kinds`` for a reference to an indicator."""


class Vocabulary(Protocol):
    """Declarations of other sources, looked up by name because they may be many."""

    def by_ids(self, entities: Collection[str], indicators: Collection[str]) -> Declarations:
        """Return the declarations of these ids."""

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:
        """Return ids like a misspelt ``name``, likeliest first.

        ``kinds`` are allowed kinds of entities (all if empty), or ``INDICATOR``; ``but`` is a source that is left out.
        """
