"""Step 2 of publishing, continued: the rules that need the whole document and the declarations of other sources.

They read the draft that the rules of single parts (``rules.py``) filled, and look up names in batches.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from app.errors import nearest
from app.publishing.document import ENTITY_SECTIONS
from app.publishing.rules import Draft, Finding
from app.publishing.vocabulary import INDICATOR, Declarations, KnownEntity, KnownIndicator, Vocabulary
from app.publishing.yaml import Path

BATCH = 500
"""Names per query, and rows per statement."""
Item = TypeVar("Item")


def wholes_contain_no_circles(draft: Draft) -> Iterator[Finding]:
    """Require that no entity is its own ancestor."""
    visited: set[str] = set()
    for name in draft.parents:
        ancestry: dict[str, int] = {}
        entity: str | None = name
        while entity is not None and entity not in visited and entity not in ancestry:
            ancestry[entity] = len(ancestry)
            entity = draft.parents.get(entity)
        visited.update(ancestry)
        if entity in ancestry:
            for member in list(ancestry)[ancestry[entity] :]:
                path = (*draft.declared["entity", member], "parent")
                yield Finding(path, "circular", f"{member} is a part of itself through its parents")


def declarations_are_owned(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Require that no other source declared an id, and that kinds and units stay."""
    for batch in batched(draft.declared.items()):
        entities = [name for (space, name), _ in batch if space == "entity"]
        declarations = vocabulary.by_ids(entities, [name for (space, name), _ in batch if space != "entity"])
        for (space, name), place in batch:
            before = (declarations.entities if space == "entity" else declarations.indicators).get(name)
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
    """Require that references exist and are of the right kind."""
    for (section, where, kinds), names in draft.references.items():
        for batch in batched(names.items()):
            declarations = _scope(draft, vocabulary, [name for name, _ in batch], indicators=kinds == INDICATOR)
            for name, places in batch:
                fault = _reference_fault(draft, vocabulary, declarations, name, kinds)
                if fault is None:
                    continue
                for number in places if isinstance(places, list) else [places]:
                    yield Finding((section, number, *where), *fault)


def _reference_fault(
    draft: Draft, vocabulary: Vocabulary, declarations: Declarations, name: str, kinds: tuple[str, ...]
) -> tuple[str, str, str | None, tuple[str, ...] | None] | None:
    """Return code, message, suggestion and kinds for a wrong name, else None."""
    if kinds == INDICATOR:
        if name in declarations.indicators:
            return None
    elif (entity := declarations.entities.get(name)) is not None:
        if not kinds or entity.kind in kinds:
            return None
        return "wrong_kind", f"{name} is a {entity.kind}; expected a {' or '.join(kinds)}", None, kinds
    own = (key for space, key in draft.declared if (space == "indicator") == (kinds == INDICATOR))
    fitting = (key for key in own if kinds in ((), INDICATOR) or draft.entities[key].kind in kinds)
    near = nearest(name, chain(vocabulary.like(name, kinds, draft.owner), fitting))
    return "unknown_reference", f"{name} is not a known {' or '.join(kinds) or 'entity'}", near, None


def pairs_are_of_one_kind(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Require that a part and its whole are of the same kind."""
    for batch in batched(draft.pairs.items()):
        declarations = _scope(draft, vocabulary, list(chain.from_iterable(pair for pair, _ in batch)))
        for (subject, target), number in batch:
            part, whole = declarations.entities.get(subject), declarations.entities.get(target)
            if part is not None and whole is not None and part.kind != whole.kind:
                message = f"{target} is a {whole.kind}; expected a {part.kind}"
                yield Finding(("relations", number, "object"), "wrong_kind", message, allowed=(part.kind,))


def units_are_those_of_indicators(draft: Draft, vocabulary: Vocabulary) -> Iterator[Finding]:
    """Require that the unit of an observation, if stated, is its indicator's."""
    for batch in batched(draft.units.items()):
        declarations = _scope(draft, vocabulary, list({name for (name, _), _ in batch}), indicators=True)
        for (name, unit), number in batch:
            indicator = declarations.indicators.get(name)
            if indicator is not None and indicator.unit and unit != indicator.unit:
                message = f"the unit {unit} is not that of {name}, {indicator.unit}"
                yield Finding(("observations", number, "unit"), "wrong_unit", message, suggestion=indicator.unit)


def batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists of ``BATCH``."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _scope(draft: Draft, vocabulary: Vocabulary, names: Collection[str], *, indicators: bool = False) -> Declarations:
    """Return the declarations of these names by the document and by other sources."""
    if indicators:
        foreign = vocabulary.by_ids((), [name for name in names if name not in draft.indicators])
        outside_indicators = {
            name: indicator for name, indicator in foreign.indicators.items() if indicator.source != draft.owner
        }
        return Declarations({}, outside_indicators | {name: draft.indicators[name] for name in names if name in draft.indicators})
    foreign = vocabulary.by_ids([name for name in names if name not in draft.entities], ())
    outside_entities = {name: entity for name, entity in foreign.entities.items() if entity.source != draft.owner}
    return Declarations(outside_entities | {name: draft.entities[name] for name in names if name in draft.entities})


DocumentRule = Callable[[Draft, Vocabulary], Iterator[Finding]]
"""A function of the draft of a whole document, and the declarations of other sources."""

DOCUMENT_RULES: tuple[DocumentRule, ...] = (
    declarations_are_owned,
    references_are_known,
    pairs_are_of_one_kind,
    units_are_those_of_indicators,
)
"""The rules of the whole document that depend on other sources."""
