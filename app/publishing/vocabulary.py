"""What a document may refer to beyond itself."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.resources.mixins import Kind


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """An entity declared elsewhere."""

    kind: Kind
    source: str


@dataclass(frozen=True, slots=True)
class KnownIndicator:
    """An indicator declared elsewhere."""

    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Known:
    """Entities and indicators by id, with the source that declared each."""

    entities: dict[str, KnownEntity] = field(default_factory=dict)
    indicators: dict[str, KnownIndicator] = field(default_factory=dict)

    def those(self, entities: Collection[str], indicators: Collection[str]) -> "Known":
        """Return what is known of these ids."""
        return Known(
            {name: self.entities[name] for name in entities if name in self.entities},
            {name: self.indicators[name] for name in indicators if name in self.indicators},
        )

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:  # noqa: ARG002  all are few enough
        """Yield ids of these kinds (of all where there are none), or of indicators, that sources other than ``but`` declare."""
        if kinds == INDICATOR:
            return (key for key, indicator in self.indicators.items() if indicator.source != but)
        fitting = (item for item in self.entities.items() if not kinds or item[1].kind in kinds)
        return (key for key, entity in fitting if entity.source != but)


INDICATOR = ("indicator",)
"""Stands where kinds of entities may, for indicators."""


class Vocabulary(Protocol):
    """What a document may refer to: asked for by name, as it may be large."""

    def those(self, entities: Collection[str], indicators: Collection[str]) -> Known:
        """Return what is known of these ids."""

    def like(self, name: str, kinds: Collection[str], but: str) -> Iterable[str]:
        """Yield some ids of these kinds, or of indicators, that sources other than ``but`` declare, the likeliest first."""
