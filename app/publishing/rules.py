"""The rules of the document format that go beyond one part: references, ownership, hedges, units, periods, citations.

A document is checked while it is read: each rule sees one part, and notes in the draft what has to be known of it later.
``references.py`` has the rules that need the whole document, or what others have published.
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
"""Of one name that are remembered."""

Field = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Where a name stands in the items of a section, and the kinds that it may be of; of any kind where there are none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule: the path of what breaks it, and what was expected."""

    path: Path
    code: str
    message: str
    suggestion: str | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(slots=True)
class Draft:
    """What has to be remembered of the parts of a document that were read.

    ``source`` is None until it was read, or where it is malformed.
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
        """Remember that a part refers to ``name``."""
        if name is None:
            return
        section, number = path
        names = self.references.setdefault((str(section), where, kinds), {})
        before = names.setdefault(name, int(number))
        if isinstance(before, list):
            if len(before) < MOST_PLACES:
                before.append(int(number))
        elif before != number:
            names[name] = [before, int(number)]


# -- rules of names: they hold for malformed parts too --------------------------------------------------------------------------


def entity_names(draft: Draft, path: Path, entity: Any) -> Iterator[Finding]:
    """Entities share one space of ids, and name entities."""
    kind = ENTITY_SECTIONS[str(path[0])]
    yield from _declared(draft, path, "entity", entity.id)
    draft.refer(path, ("region",), entity.region, ("region",))
    draft.refer(path, ("parent",), entity.parent, (kind,))
    if entity.id is not None and entity.parent is not None:
        draft.parents[entity.id] = entity.parent


def indicator_names(draft: Draft, path: Path, indicator: Any) -> Iterator[Finding]:
    """Indicators share one space of ids."""
    yield from _declared(draft, path, "indicator", indicator.id)


def observation_names(draft: Draft, path: Path, observation: Any) -> Iterator[Finding]:
    """The facts of a document share one space of keys; observations name an indicator, a subject, and maybe a region."""
    yield from _keyed(draft, (*path, "key"), observation.key)
    draft.refer(path, ("subject",), observation.subject)
    draft.refer(path, ("indicator",), observation.indicator, INDICATOR)
    if observation.rank is not None and observation.rank.scope is not None:
        draft.refer(path, ("rank", "scope", "region"), observation.rank.scope.region, ("region",))


def designation_names(draft: Draft, path: Path, designation: Any) -> Iterator[Finding]:
    """Designations have a key, as observations do, and name a subject."""
    yield from _keyed(draft, (*path, "key"), designation.key)
    draft.refer(path, ("subject",), designation.subject)


def relation_names(draft: Draft, path: Path, relation: Any) -> Iterator[Finding]:
    """Each predicate joins the kinds that its table says; no relation is stated twice."""
    subject, predicate, other = relation.subject, relation.predicate, relation.object
    subjects, objects = JOINS.get(predicate, ((), ()))
    draft.refer(path, ("subject",), subject, subjects)
    draft.refer(path, ("object",), other, objects if isinstance(objects, tuple) else ())
    if subject is None or other is None:
        return
    if objects == SAME_KIND:
        draft.pairs[subject, other] = int(path[1])
    if predicate:
        yield from _keyed(draft, path, f"{subject} {predicate} {other}", f"{subject}-{predicate}-{other}")
    if subject == other:
        yield Finding((*path, "object"), "self_relation", "subject and object are the same; expected two entities")


def _declared(draft: Draft, path: Path, space: str, name: str | None) -> Iterator[Finding]:
    if name is None:
        return
    if (space, name) in draft.declared:
        yield _twice((*path, "id"), name)
    draft.declared.setdefault((space, name), (str(path[0]), int(path[1])))


def _keyed(draft: Draft, path: Path, key: str | None, said: str | None = None) -> Iterator[Finding]:
    if key is None:
        return
    if key in draft.keys:
        yield _twice(path, said or key)
    draft.keys.add(key)


def _twice(path: Path, name: str) -> Finding:
    return Finding(path, "duplicate", f"{name} is declared a second time; expected an id of its own")


# -- rules of well-formed parts ---------------------------------------------------------------------------------------------


def figures_agree_with_their_hedges(draft: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """A claim is made, its comparator is the hedge's, its unit the indicator's."""
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
    if observation.unit is not None:
        draft.units.setdefault((observation.indicator, observation.unit), int(path[1]))


def ranks_are_consistent(_: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """A rank is a place or a band, and a place is within the number of those ranked."""
    rank = observation.rank
    if rank is None:
        return
    if (rank.place is None) == (rank.band is None):
        yield Finding((*path, "rank"), "rank", "expected either place or band")
    if rank.place is not None and rank.of is not None and rank.place > rank.of:
        yield Finding((*path, "rank", "place"), "rank", f"place {rank.place} of {rank.of}; expected at most {rank.of}")


def periods_are_consistent(draft: Draft, path: Path, observation: ObservationPart) -> Iterator[Finding]:
    """A period has both dates or none, in order; a derived one has them, and a publication date to derive them from."""
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
    """A document has at most so many facts; what has more is several documents."""
    draft.facts += 1
    if draft.facts == MOST_FACTS + 1:
        message = f"more than {MOST_FACTS} facts; expected at most {MOST_FACTS}, so make several documents of it"
        yield Finding((), "too_many_facts", message)


def parts_are_cited(draft: Draft, path: Path, part: Any) -> Iterator[Finding]:
    """A vocabulary states nothing and cites nothing; all that any other source declares and states is cited."""
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
    """Every source but a vocabulary is dated and identified; its speakers have ids of their own."""
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


def _unknown(path: Path, name: str, what: str, options: Collection[str]) -> Finding:
    return Finding(path, "unknown_reference", f"{name} is not a known {what}", suggestion=nearest(name, options))


RuleOfPart = Callable[[Draft, Path, Any], Iterator[Finding]]

NAMES: dict[str, RuleOfPart] = {
    **dict.fromkeys(ENTITY_SECTIONS, entity_names),
    "indicators": indicator_names,
    "observations": observation_names,
    "relations": relation_names,
    "designations": designation_names,
}
"""By section the rule that needs nothing of a part but the names in it, so that it holds for malformed parts too."""

PARTS: dict[str, tuple[RuleOfPart, ...]] = {
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
"""By section the other rules of its parts."""
