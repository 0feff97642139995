"""What a document may refer to beyond itself."""

from dataclasses import dataclass, field

from app.resources.shared import Kind


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
