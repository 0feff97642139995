"""The rules of the document format that go beyond one part: references, ownership, hedges, units, periods, citations.

Each rule is a generator of findings over a draft.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.errors import nearest
from app.hedges import hedge_of
from app.publishing.document import (
    MOST_FACTS,
    Citation,
    DesignationPart,
    EntityPart,
    IndicatorPart,
    ObservationPart,
    RelationPart,
    SourcePart,
)
from app.publishing.known import Known, KnownEntity, KnownIndicator
from app.publishing.yaml import Path
from app.resources.relations import JOINS, SAME_KIND
from app.resources.shared import Kind

VOCABULARY = "vocabulary"
FACTS = ("observations", "relations", "designations")


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: the path of what breaks it, and what was expected."""

    path: Path
    code: str
    message: str
    suggestion: str | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The well-formed parts of a document with their paths, and what they may refer to.

    ``known`` is all that was declared before, ``scope`` what other sources declare and what the document itself does.
    """

    source: SourcePart | None
    entities: list[tuple[Path, Kind, EntityPart]]
    indicators: list[tuple[Path, IndicatorPart]]
    observations: list[tuple[Path, ObservationPart]]
    relations: list[tuple[Path, RelationPart]]
    designations: list[tuple[Path, DesignationPart]]
    known: Known
    scope: Known

    @property
    def citations(self) -> Iterator[tuple[Path, Citation | None]]:
        """The citation of every part that has one or should."""
        for path, _, entity in self.entities:
            yield path, entity.cite
        for path, observation in self.observations:
            yield path, observation.cite
        for path, relation in self.relations:
            yield path, relation.cite
        for path, designation in self.designations:
            yield path, designation.cite


def ids_are_unique(draft: Draft) -> Iterator[Finding]:
    """Entities share one space of ids, indicators another, the facts of a document a third."""
    spaces: tuple[Iterable[tuple[Path, str]], ...] = (
        [((*path, "id"), entity.id) for path, _, entity in draft.entities],
        [((*path, "id"), indicator.id) for path, indicator in draft.indicators],
        [
            *(((*path, "key"), observation.key) for path, observation in draft.observations),
            *(((*path, "key"), designation.key) for path, designation in draft.designations),
        ],
        [(path, relation.key) for path, relation in draft.relations if relation.predicate],
    )
    for space in spaces:
        seen: set[str] = set()
        for path, name in space:
            if name is None:
                continue
            if name in seen:
                yield Finding(path, "duplicate", f"{name} is declared a second time; expected an id of its own")
            seen.add(name)


def ids_are_owned(draft: Draft) -> Iterator[Finding]:
    """An id belongs to the source that first declared it."""
    owner = draft.source.id if draft.source is not None else ""
    declared: tuple[tuple[Path, str, Mapping[str, KnownEntity | KnownIndicator]], ...] = (
        *((path, entity.id, draft.known.entities) for path, _, entity in draft.entities),
        *((path, indicator.id, draft.known.indicators) for path, indicator in draft.indicators),
    )
    for path, name, known in declared:
        if name in known and known[name].source != owner:
            message = f"{name} belongs to the source {known[name].source}; refer to it, or use another id"
            yield Finding((*path, "id"), "redefined", message)


def meanings_stay(draft: Draft) -> Iterator[Finding]:
    """Over revisions an entity keeps its kind and an indicator its unit, for other sources rely on them."""
    for path, kind, entity in draft.entities:
        before = draft.known.entities.get(entity.id)
        if before is not None and before.kind != kind:
            yield Finding((*path, "id"), "changed_kind", f"{entity.id} was a {before.kind}; expected a new id for a {kind}")
    for path, indicator in draft.indicators:
        known = draft.known.indicators.get(indicator.id)
        if known is not None and known.unit != indicator.unit:
            message = f"{indicator.id} was in {known.unit}; expected a new id for another unit"
            yield Finding((*path, "unit"), "changed_unit", message, suggestion=known.unit)


def references_are_known(draft: Draft) -> Iterator[Finding]:
    """Whatever is referred to exists, and is of the right kind."""
    for path, kind, entity in draft.entities:
        yield from _entity((*path, "region"), entity.region, draft, ("region",))
        yield from _entity((*path, "parent"), entity.parent, draft, (kind,))
    for path, observation in draft.observations:
        yield from _entity((*path, "subject"), observation.subject, draft)
        if observation.indicator is not None and observation.indicator not in draft.scope.indicators:
            yield _unknown((*path, "indicator"), observation.indicator, "indicator", draft.scope.indicators)
        if observation.rank is not None and observation.rank.scope is not None:
            yield from _entity((*path, "rank", "scope", "region"), observation.rank.scope.region, draft, ("region",))
    for path, designation in draft.designations:
        yield from _entity((*path, "subject"), designation.subject, draft)


def relations_join_their_kinds(draft: Draft) -> Iterator[Finding]:
    """Each predicate joins the kinds that its table says."""
    for path, relation in draft.relations:
        subjects, objects = JOINS.get(relation.predicate, ((), ()))
        subject = draft.scope.entities.get(relation.subject)
        if objects == SAME_KIND:
            objects = (subject.kind,) if subject is not None else ()
        yield from _entity((*path, "subject"), relation.subject, draft, subjects)
        yield from _entity((*path, "object"), relation.object, draft, objects)
        if relation.subject == relation.object:
            yield Finding((*path, "object"), "self_relation", "subject and object are the same; expected two entities")


def wholes_contain_no_circles(draft: Draft) -> Iterator[Finding]:
    """Nothing is, through its parents, a part of itself."""
    parents = {entity.id: entity.parent for _, _, entity in draft.entities}
    for path, _, entity in draft.entities:
        above, seen = entity.parent, {entity.id}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if above == entity.id:
            yield Finding((*path, "parent"), "circular", f"{entity.id} is a part of itself through its parents")


def figures_agree_with_their_hedges(draft: Draft) -> Iterator[Finding]:
    """A claim is made, its comparator is the hedge's, its unit the indicator's."""
    for path, observation in draft.observations:
        if observation.value is None and observation.rank is None:
            yield Finding(path, "no_claim", "neither value nor rank; expected at least one")
        for name in ("hedge", "comparator", "unit"):
            if observation.value is None and getattr(observation, name) is not None:
                yield Finding((*path, name), "no_value", f"{name} without a value; expected a value")
        meant = hedge_of(observation.hedge).comparator
        if observation.comparator not in (None, meant):
            said = f"the hedge {observation.hedge} means" if observation.hedge else "without a hedge it is"
            message = f"the comparator {observation.comparator} contradicts the hedge; {said} {meant}"
            yield Finding((*path, "comparator"), "contradicts_hedge", message, suggestion=meant)
        if observation.hedge is not None and observation.hedge.strip("-") not in observation.cite.text.lower():
            message = f"the hedge {observation.hedge} does not stand in the cited phrase; expected it there"
            yield Finding((*path, "hedge"), "uncited_hedge", message)
        indicator = draft.scope.indicators.get(observation.indicator)
        if indicator is not None and indicator.unit and observation.unit not in (None, indicator.unit):
            message = f"the unit {observation.unit} is not that of {observation.indicator}, {indicator.unit}"
            yield Finding((*path, "unit"), "wrong_unit", message, suggestion=indicator.unit)


def ranks_are_consistent(draft: Draft) -> Iterator[Finding]:
    """A rank is a place or a band, and a place is within the number of those ranked."""
    for path, observation in draft.observations:
        rank = observation.rank
        if rank is None:
            continue
        if (rank.place is None) == (rank.band is None):
            yield Finding((*path, "rank"), "rank", "expected either place or band")
        if rank.place is not None and rank.of is not None and rank.place > rank.of:
            yield Finding((*path, "rank", "place"), "rank", f"place {rank.place} of {rank.of}; expected at most {rank.of}")


def periods_are_consistent(draft: Draft) -> Iterator[Finding]:
    """A period has both dates or none, in order; a derived one has them, and a publication date to derive them from."""
    for path, observation in draft.observations:
        period = observation.period
        if period is None:
            continue
        place = (*path, "period")
        if (period.start is None) != (period.end is None):
            yield Finding(place, "period", "only one of start and end; expected both or neither")
        if period.start is not None and period.end is not None and period.start > period.end:
            yield Finding((*place, "end"), "period", f"ends before it starts; expected {period.start} or later")
        if period.basis == "derived" and period.start is None:
            yield Finding(place, "period", "derived, but without dates; expected start and end")
        if period.basis == "derived" and draft.source is not None and draft.source.published_on is None:
            yield Finding((*place, "basis"), "period", "derived, but the source has no published_on to derive it from")


def facts_are_not_too_many(draft: Draft) -> Iterator[Finding]:
    """A document has at most so many facts; what has more is several documents."""
    count = sum(len(getattr(draft, section)) for section in FACTS)
    if count > MOST_FACTS:
        yield Finding((), "too_many_facts", f"{count} facts; expected at most {MOST_FACTS}, so make several documents of it")


def vocabularies_state_nothing(draft: Draft) -> Iterator[Finding]:
    """A vocabulary has no text: it states nothing and cites nothing."""
    if draft.source is None or draft.source.type != VOCABULARY:
        return
    for path, citation in draft.citations:
        if path[0] in FACTS:
            yield Finding(path, "vocabulary", "a vocabulary states no facts; expected none")
        elif citation is not None:
            yield Finding((*path, "cite"), "vocabulary", "a vocabulary has no text to cite; expected no cite")


def citations_are_complete(draft: Draft) -> Iterator[Finding]:
    """Every source but a vocabulary is dated and identified, and all that it declares and states is cited."""
    source = draft.source
    if source is None or source.type == VOCABULARY:
        return
    for name in ("published_on", "sha256"):
        if getattr(source, name) is None:
            yield Finding(("source",), "missing", f"{name} is missing; every source but a {VOCABULARY} has it")
    speakers = [speaker.id for speaker in source.speakers]
    for number, name in enumerate(speakers):
        if name in speakers[:number]:
            yield Finding(("source", "speakers", number, "id"), "duplicate", f"{name} is declared a second time")
    for path, citation in draft.citations:
        if citation is None:
            yield Finding(path, "missing", "cite is missing; expected line and text")
        elif citation.speaker is not None and citation.speaker not in speakers:
            yield _unknown((*path, "cite", "speaker"), citation.speaker, "speaker of the source", speakers)


Rule = Callable[[Draft], Iterator[Finding]]

RULES_OF_NAMES: tuple[Rule, ...] = (ids_are_unique, ids_are_owned, references_are_known, relations_join_their_kinds)
"""The rules that need nothing of a part but the names in it, so that they hold for malformed parts too."""

RULES: tuple[Rule, ...] = (
    meanings_stay,
    wholes_contain_no_circles,
    figures_agree_with_their_hedges,
    ranks_are_consistent,
    periods_are_consistent,
    facts_are_not_too_many,
    vocabularies_state_nothing,
    citations_are_complete,
)
"""The other rules."""


def _entity(path: Path, name: str | None, draft: Draft, kinds: tuple[str, ...] | str = ()) -> Iterator[Finding]:
    """The finding, if any, that ``name`` is no known entity of one of ``kinds`` (of any kind, where there are none)."""
    if name is None:
        return
    found = draft.scope.entities.get(name)
    if found is None:
        fitting = [key for key, entity in draft.scope.entities.items() if not kinds or entity.kind in kinds]
        yield _unknown(path, name, " or ".join(kinds) or "entity", fitting)
    elif kinds and found.kind not in kinds:
        message = f"{name} is a {found.kind}; expected a {' or '.join(kinds)}"
        yield Finding(path, "wrong_kind", message, allowed=tuple(kinds))


def _unknown(path: Path, name: str, what: str, options: Iterable[str]) -> Finding:
    return Finding(path, "unknown_reference", f"{name} is not a known {what}", suggestion=nearest(name, options))
