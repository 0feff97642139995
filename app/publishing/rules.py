"""Step 2 of publishing: the rules that models cannot express, on names, hedges, units, ranks, periods and citations.

A document is checked while it is read: a rule gets one part, yields a finding for each fault, and records in the draft what
later rules need. ``references.py`` has the rules of the whole document. Step 3, ``rows.py``, makes rows of a checked document.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.domain.hedges import hedge_of
from app.errors import nearest
from app.publishing.document import (
    ENTITY_SECTIONS,
    MOST_FACTS,
    Citation,
    ObservationPart,
    SourcePart,
)
from app.publishing.vocabulary import INDICATOR, KnownEntity, KnownIndicator
from app.publishing.yaml import Path
from app.resources.relations import JOINS, SAME_KIND

VOCABULARY = "vocabulary"
FACTS = ("observations", "relations", "designations")
MOST_PLACES = 20
"""Places of one name that are recorded, and so reported if it is unknown."""

Field = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A field that refers to a name: its section, its path in an item, and the allowed kinds; all kinds if empty."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: the path of the faulty value, a code, and a message with the expected value."""

    path: Path
    code: str
    message: str
    suggestion: str | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(slots=True)
class Draft:
    """The facts about the parts read so far that later rules need.

    Attributes:
        source: The source; None until it was read, or if it is malformed.
        entities: Declared entities by id.
        indicators: Declared indicators by id.
        declared: Section and item number of each declaration, by id space (``entity``, ``indicator``) and id.
        parents: The parent of each entity that has one.
        keys: The keys of facts.
        references: Per field, the item numbers that refer to each name.
        units: The first observation with each pair of indicator and unit.
        pairs: The last relation between subject and object that must be of one kind.
        facts: The number of facts.
    """

    source: SourcePart | None = None
    entities: dict[str, KnownEntity] = field(default_factory=dict)
    indicators: dict[str, KnownIndicator] = field(default_factory=dict)
    declared: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    references: dict[Field, dict[str, int | list[int]]] = field(default_factory=dict)
    units: dict[tuple[str, str], int] = field(default_factory=dict)
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    facts: int = 0

    @property
    def owner(self) -> str:
        """The id of the source."""
        return self.source.id if self.source is not None else ""

    def refer(self, path: Path, where: tuple[str, ...], name: str | None, kinds: tuple[str, ...] = ()) -> None:
        """Record that the part at ``path`` refers to ``name``."""
        if name is None:
            return
        section, number = path
        names = self.references.setdefault((str(section), where, kinds), {})
        numbers = names.setdefault(name, int(number))
        if isinstance(numbers, list):
            if len(numbers) < MOST_PLACES:
                numbers.append(int(number))
        elif numbers != number:
            names[name] = [numbers, int(number)]


# -- rules of names: they apply to malformed parts too ---------------------------------------------------------------------------


def entity_names(draft: Draft, path: Path, entity: Any) -> Iterator[Finding]:
    """Require a unique entity id; record the region and the parent."""
    kind = ENTITY_SECTIONS[str(path[0])]
    yield from _declared(draft, path, "entity", entity.id)
    draft.refer(path, ("region",), entity.region, ("region",))
    draft.refer(path, ("parent",), entity.parent, (kind,))
    if entity.id is not None and entity.parent is not None:
        draft.parents[entity.id] = entity.parent


def indicator_names(draft: Draft, path: Path, indicator: Any) -> Iterator[Finding]:
    """Require a unique indicator id."""
    yield from _declared(draft, path, "indicator", indicator.id)


def observation_names(draft: Draft, path: Path, observation: Any) -> Iterator[Finding]:
    """Require a key unique among all facts; record indicator, subject and region."""
    yield from _keyed(draft, (*path, "key"), observation.key)
    draft.refer(path, ("subject",), observation.subject)
    draft.refer(path, ("indicator",), observation.indicator, INDICATOR)
    if observation.rank is not None and observation.rank.scope is not None:
        draft.refer(path, ("rank", "scope", "region"), observation.rank.scope.region, ("region",))


def designation_names(draft: Draft, path: Path, designation: Any) -> Iterator[Finding]:
    """Require a key unique among all facts; record the subject."""
    yield from _keyed(draft, (*path, "key"), designation.key)
    draft.refer(path, ("subject",), designation.subject)


def relation_names(draft: Draft, path: Path, relation: Any) -> Iterator[Finding]:
    """Require a relation stated once, between two entities of the kinds in ``JOINS``."""
    subject, predicate, target = relation.subject, relation.predicate, relation.object
    subjects, objects = JOINS.get(predicate, ((), ()))
    draft.refer(path, ("subject",), subject, subjects)
    draft.refer(path, ("object",), target, objects if isinstance(objects, tuple) else ())
    if subject is None or target is None:
        return
    if objects == SAME_KIND:
        draft.pairs[subject, target] = int(path[1])
    if predicate:
        yield from _keyed(draft, path, f"{subject} {predicate} {target}", f"{subject}-{predicate}-{target}")
    if subject == target:
        yield Finding((*path, "object"), "self_relation", "subject and object are the same; expected two entities")


def _declared(draft: Draft, path: Path, space: str, name: str | None) -> Iterator[Finding]:
    if name is None:
        return
    if (space, name) in draft.declared:
        yield _duplicate((*path, "id"), name)
    draft.declared.setdefault((space, name), (str(path[0]), int(path[1])))


def _keyed(draft: Draft, path: Path, key: str | None, label: str | None = None) -> Iterator[Finding]:
    if key is None:
        return
    if key in draft.keys:
        yield _duplicate(path, label or key)
    draft.keys.add(key)


def _duplicate(path: Path, name: str) -> Finding:
    return Finding(path, "duplicate", f"{name} is declared a second time; expected an id of its own")


# -- rules of well-formed parts ---------------------------------------------------------------------------------------------


def figures_agree_with_their_hedges(draft: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """Require a value or a rank, and the comparator of the hedge; record the unit."""
    if observation.value is None and observation.rank is None:
        yield Finding(path, "no_claim", "neither value nor rank; expected at least one")
    for name in ("hedge", "comparator", "unit"):
        if observation.value is None and getattr(observation, name) is not None:
            yield Finding((*path, name), "no_value", f"{name} without a value; expected a value")
    comparator = hedge_of(observation.hedge).comparator
    if observation.comparator not in (None, comparator):
        reason = f"the hedge {observation.hedge} means" if observation.hedge else "without a hedge it is"
        message = f"the comparator {observation.comparator} contradicts the hedge; {reason} {comparator}"
        yield Finding((*path, "comparator"), "contradicts_hedge", message, suggestion=comparator)
    if observation.hedge is not None and observation.hedge.strip("-") not in observation.cite.text.lower():
        message = f"the hedge {observation.hedge} does not stand in the cited phrase; expected it there"
        yield Finding((*path, "hedge"), "uncited_hedge", message)
    if observation.unit is not None:
        draft.units.setdefault((observation.indicator, observation.unit), int(path[1]))


def ranks_are_consistent(_: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """Require either a place or a band, and a place no greater than the number ranked."""
    rank = observation.rank
    if rank is None:
        return
    if (rank.place is None) == (rank.band is None):
        yield Finding((*path, "rank"), "rank", "expected either place or band")
    if rank.place is not None and rank.of is not None and rank.place > rank.of:
        yield Finding((*path, "rank", "place"), "rank", f"place {rank.place} of {rank.of}; expected at most {rank.of}")


def periods_are_consistent(draft: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """Require both dates, in order, or none.

    A derived period needs both, and a publication date from which they are derived.
    """
    period = observation.period
    if period is None:
        return
    place = (*path, "period")
    if (period.start is None) != (period.end is None):
        yield Finding(place, "period", "only one of start and end; expected both or neither")
    if period.start is not None and period.end is not None and period.start > period.end:
        yield Finding((*place, "end"), "period", f"ends before it starts; expected {period.start} or later")
    if period.basis == "derived" and period.start is None:
        yield Finding(place, "period", "derived, but without dates; expected start and end")
    if period.basis == "derived" and draft.source is not None and draft.source.published_on is None:
        yield Finding((*place, "basis"), "period", "derived, but the source has no published_on to derive it from")


def facts_are_not_too_many(draft: Draft, _path: Path, _part: Any) -> Iterator[Finding]:
    """Require at most ``MOST_FACTS`` facts in a document."""
    draft.facts += 1
    if draft.facts == MOST_FACTS + 1:
        message = f"more than {MOST_FACTS} facts; expected at most {MOST_FACTS}, so make several documents of it"
        yield Finding((), "too_many_facts", message)


def parts_are_cited(draft: Draft, path: Path, part: Any) -> Iterator[Finding]:
    """Require a citation with a known speaker; in a vocabulary no facts or citations."""
    source, cite = draft.source, part.cite
    if source is None:
        return
    if source.type == VOCABULARY:
        if path[0] in FACTS:
            yield Finding(path, "vocabulary", "a vocabulary states no facts; expected none")
        elif cite is not None:
            yield Finding((*path, "cite"), "vocabulary", "a vocabulary has no text to cite; expected no cite")
    elif cite is None:
        yield Finding(path, "missing", "cite is missing; expected line and text")
    else:
        yield from _speaker_is_known(source, path, cite)


def _speaker_is_known(source: SourcePart, path: Path, cite: Citation) -> Iterator[Finding]:
    speakers = [speaker.id for speaker in source.speakers]
    if cite.speaker is not None and cite.speaker not in speakers:
        yield _unknown((*path, "cite", "speaker"), cite.speaker, "speaker of the source", speakers)


def sources_are_identified(source: SourcePart) -> Iterator[Finding]:
    """Require date, SHA-256 and unique speakers, except of a vocabulary."""
    if source.type == VOCABULARY:
        return
    for name in ("published_on", "sha256"):
        if getattr(source, name) is None:
            yield Finding(("source",), "missing", f"{name} is missing; every source but a {VOCABULARY} has it")
    seen: set[str] = set()
    for number, speaker in enumerate(source.speakers):
        if speaker.id in seen:
            yield Finding(("source", "speakers", number, "id"), "duplicate", f"{speaker.id} is declared a second time")
        seen.add(speaker.id)


def _unknown(path: Path, name: str, noun: str, options: Collection[str]) -> Finding:
    return Finding(path, "unknown_reference", f"{name} is not a known {noun}", suggestion=nearest(name, options))


PartRule = Callable[[Draft, Path, Any], Iterator[Finding]]
"""A function of the draft, the path of a part, and its model."""

NAME_RULES: dict[str, PartRule] = {
    **dict.fromkeys(ENTITY_SECTIONS, entity_names),
    "indicators": indicator_names,
    "observations": observation_names,
    "relations": relation_names,
    "designations": designation_names,
}
"""The rule of each section that needs only the names in a part, so that it applies to malformed parts too."""

PART_RULES: dict[str, tuple[PartRule, ...]] = {
    **dict.fromkeys(ENTITY_SECTIONS, (parts_are_cited,)),
    "indicators": (),
    "observations": (
        figures_agree_with_their_hedges,
        ranks_are_consistent,
        periods_are_consistent,
        facts_are_not_too_many,
        parts_are_cited,
    ),
    "relations": (facts_are_not_too_many, parts_are_cited),
    "designations": (facts_are_not_too_many, parts_are_cited),
}
"""The other rules of each section's parts, for well-formed parts only."""
