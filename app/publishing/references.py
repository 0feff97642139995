"""The rules that need the whole document, and what other sources declare: circles, ownership, references, units."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from app.errors import nearest
from app.publishing.document import ENTITY_SECTIONS
from app.publishing.rules import Draft, Finding
from app.publishing.vocabulary import INDICATOR, Known, KnownEntity, KnownIndicator, Vocabulary
from app.publishing.yaml import Path

BATCH = 500
"""Names that are looked up at once."""
Item = TypeVar("Item")


def wholes_contain_no_circles(draft: Draft) -> Iterator[Finding]:
    """Nothing is, through its parents, a part of itself."""
    done: set[str] = set()
    for name in draft.parents:
        way: dict[str, int] = {}
        at: str | None = name
        while at is not None and at not in done and at not in way:
            way[at] = len(way)
            at = draft.parents.get(at)
        done.update(way)
        if at in way:
            for member in list(way)[way[at] :]:
                path = (*draft.declared["entity", member], "parent")
                yield Finding(path, "circular", f"{member} is a part of itself through its parents")


def declarations_are_owned(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """An id belongs to the source that first declared it; an entity keeps its kind, an indicator its unit."""
    for batch in batched(draft.declared.items()):
        entities = [name for (space, name), _ in batch if space == "entity"]
        known = vocabulary.those(entities, [name for (space, name), _ in batch if space != "entity"])
        for (space, name), place in batch:
            before = (known.entities if space == "entity" else known.indicators).get(name)
            if before is None:
                continue
            if before.source != draft.owner:
                message = f"{name} belongs to the source {before.source}; refer to it, or use another id"
                yield Finding((*place, "id"), "redefined", message)
            yield from _meaning_stays(draft, name, place, before)


def _meaning_stays(draft: Draft, name: str, place: Path, before: KnownEntity | KnownIndicator) -> Iterator[Finding]:
    if isinstance(before, KnownEntity):
        kind = ENTITY_SECTIONS[str(place[0])]
        if before.kind != kind:
            yield Finding((*place, "id"), "changed_kind", f"{name} was a {before.kind}; expected a new id for a {kind}")
    elif name in draft.indicators and before.unit != draft.indicators[name].unit:
        message = f"{name} was in {before.unit}; expected a new id for another unit"
        yield Finding((*place, "unit"), "changed_unit", message, suggestion=before.unit)


def references_are_known(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Whatever is referred to exists, and is of the right kind."""
    for (section, where, kinds), names in draft.references.items():
        for batch in batched(names.items()):
            known = _scope(draft, vocabulary, [name for name, _ in batch], indicators=kinds == INDICATOR)
            for name, places in batch:
                finding = _reference(draft, vocabulary, known, name, kinds)
                for number in (places if isinstance(places, list) else [places]) if finding is not None else ():
                    code, message, suggestion, allowed = finding  # type: ignore[misc]  # not None
                    yield Finding((section, number, *where), code, message, suggestion, allowed)


def _reference(
    draft: Draft, vocabulary: Vocabulary, known: Known, name: str, kinds: tuple[str, ...]
) -> tuple[str, str, str | None, tuple[str, ...] | None] | None:
    """What is wrong with a name, if anything."""
    if kinds == INDICATOR:
        if name in known.indicators:
            return None
    elif (found := known.entities.get(name)) is not None:
        if not kinds or found.kind in kinds:
            return None
        return "wrong_kind", f"{name} is a {found.kind}; expected a {' or '.join(kinds)}", None, kinds
    own = (key for space, key in draft.declared if (space == "indicator") == (kinds == INDICATOR))
    fitting = (key for key in own if kinds in ((), INDICATOR) or draft.entities[key].kind in kinds)
    near = nearest(name, chain(vocabulary.like(name, kinds, draft.owner), fitting))
    return "unknown_reference", f"{name} is not a known {' or '.join(kinds) or 'entity'}", near, None


def pairs_are_of_one_kind(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """A part and its whole are of the same kind."""
    for batch in batched(draft.pairs.items()):
        known = _scope(draft, vocabulary, list(chain.from_iterable(pair for pair, _ in batch)))
        for (subject, other), number in batch:
            one, two = known.entities.get(subject), known.entities.get(other)
            if one is not None and two is not None and one.kind != two.kind:
                message = f"{other} is a {two.kind}; expected a {one.kind}"
                yield Finding(("relations", number, "object"), "wrong_kind", message, allowed=(one.kind,))


def units_are_those_of_indicators(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """An observation that names a unit names its indicator's."""
    for batch in batched(draft.units.items()):
        known = _scope(draft, vocabulary, list({name for (name, _), _ in batch}), indicators=True)
        for (name, unit), number in batch:
            indicator = known.indicators.get(name)
            if indicator is not None and indicator.unit and unit != indicator.unit:
                message = f"the unit {unit} is not that of {name}, {indicator.unit}"
                yield Finding(("observations", number, "unit"), "wrong_unit", message, suggestion=indicator.unit)


def batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists of ``BATCH``."""
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch


def _scope(draft: Draft, vocabulary: Vocabulary, names: Collection[str], *, indicators: bool = False) -> Known:
    """What the document itself and other sources declare under these names."""
    if indicators:
        foreign = vocabulary.those((), [name for name in names if name not in draft.indicators])
        others = {name: indicator for name, indicator in foreign.indicators.items() if indicator.source != draft.owner}
        return Known({}, others | {name: draft.indicators[name] for name in names if name in draft.indicators})
    foreign = vocabulary.those([name for name in names if name not in draft.entities], ())
    outside = {name: entity for name, entity in foreign.entities.items() if entity.source != draft.owner}
    return Known(outside | {name: draft.entities[name] for name in names if name in draft.entities})


RuleOfDocument = Callable[[Draft, Vocabulary], Iterator[Finding]]

DOCUMENT: tuple[RuleOfDocument, ...] = (
    declarations_are_owned,
    references_are_known,
    pairs_are_of_one_kind,
    units_are_those_of_indicators,
)
"""The rules of the whole document."""
