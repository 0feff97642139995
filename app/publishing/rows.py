"""Step 3 of publishing: turn the parts of a checked document into table rows, without revision numbers.

``revisions.py`` (step 4) adds the revision and stores them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.hedges import bounds_of, hedge_of
from app.publishing.document import (
    Citation,
    DesignationPart,
    EntityPart,
    IndicatorPart,
    ObservationPart,
    RelationPart,
    SourcePart,
    Text,
)
from app.resources.base import LANGS
from app.resources.mixins import EntityKind
from app.resources.observations import statement

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReferencedRows:
    """The stored rows, by id, that observations refer to and take derived columns from."""

    entities: Mapping[str, Row]
    indicators: Mapping[str, Row]
    sources: Mapping[str, Row]

    def region_of(self, subject: str) -> str | None:
        """Return the region that an entity is or belongs to."""
        entity = self.entities[subject]
        return subject if entity["kind"] == "region" else entity["region"]


def derived_columns(observation: Row, referenced: ReferencedRows) -> Row:
    """Return the kind and region of an observation's subject, and its statements."""
    subject, indicator = referenced.entities[observation["subject"]], referenced.indicators[observation["indicator"]]
    source, region = referenced.sources[observation["source"]], referenced.region_of(observation["subject"])
    return {
        "subject_kind": subject["kind"],
        "region": region,
        **{
            f"statement_{lang}": statement(
                lang,
                subject[f"name_{lang}"],
                subject["kind"],
                referenced.entities[region][f"name_{lang}"] if region is not None else None,
                indicator[f"name_{lang}"],
                observation["nature"],
                observation["value"],
                indicator[f"unit_name_{lang}"],
                observation["hedge"],
                observation["rank"],
                observation["rank_of"],
                observation["rank_band"],
                observation[f"rank_scope_{lang}"],
                observation["period_label"],
                observation["period_start"],
                observation["period_end"],
                source[f"publisher_{lang}"],
                source["published_on"],
                observation["line"],
            )
            for lang in LANGS
        },
    }


def source_row(part: SourcePart) -> Row:
    """Return the row of the source."""
    row = part.model_dump(exclude={"title_translated", "publisher", "occasion", "speakers", "not_stated"})
    speakers = [
        {lang: f"{speaker.id}: {getattr(speaker.name, lang)}, {getattr(speaker.office, lang)}" for lang in ("en", "zh")}
        for speaker in part.speakers
    ]
    return row | {
        **_localised("title", part.title_translated),
        **_localised("publisher", part.publisher),
        **_localised("occasion", part.occasion),
        "speakers_en": "\n".join(speaker["en"] for speaker in speakers),
        "speakers_zh": "\n".join(speaker["zh"] for speaker in speakers),
        "not_stated_en": "\n".join(text.en for text in part.not_stated),
        "not_stated_zh": "\n".join(text.zh for text in part.not_stated),
    }


def entity_row(kind: EntityKind, part: EntityPart) -> Row:
    """Return the row of an entity; columns that its kind lacks are null."""
    row = part.model_dump(exclude={"name", "summary", "aliases", "cite"})
    return (
        {"scheme": None, "status": None}
        | row
        | {
            "kind": kind,
            **_localised("name", part.name),
            **_localised("summary", part.summary),
            "aliases": "\n".join(part.aliases),
            "name_as_written": part.cite.text if part.cite else None,
            "line": part.cite.line if part.cite else None,
        }
    )


def indicator_row(part: IndicatorPart) -> Row:
    """Return the row of an indicator."""
    return part.model_dump(include={"id", "topic", "unit", "unit_system"}) | {
        **_localised("name", part.name),
        **_localised("definition", part.definition),
        **_localised("unit_name", part.unit_name),
    }


def fact_row(part: ObservationPart | RelationPart | DesignationPart, source: str) -> tuple[str, Row]:
    """Return table and row of a fact; of an observation without derived columns."""
    if isinstance(part, ObservationPart):
        return "observation", _observation(part, source)
    return (
        ("relation", _relation(part, source)) if isinstance(part, RelationPart) else ("designation", _designation(part, source))
    )


def _observation(part: ObservationPart, source: str) -> Row:
    hedge = hedge_of(part.hedge)
    bounds = bounds_of(part.value, hedge) if part.value is not None else None
    rank, period = part.rank, part.period
    scope = rank.scope if rank else None
    return {
        **_fact(part.key, source, part.cite),
        **part.model_dump(include={"indicator", "subject", "nature", "value", "hedge"}),
        "comparator": hedge.comparator if bounds else None,
        "lower": bounds.lower if bounds else None,
        "upper": bounds.upper if bounds else None,
        "bounds_basis": bounds.basis if bounds else None,
        "rank": rank.place if rank else None,
        "rank_of": rank.of if rank else None,
        "rank_band": rank.band if rank else None,
        "rank_scope_en": scope.en if scope else None,
        "rank_scope_zh": scope.zh if scope else None,
        "rank_region": scope.region if scope else None,
        "period_label": period.label if period else None,
        "period_start": period.start if period else None,
        "period_end": period.end if period else None,
        "period_basis": period.basis if period else "unstated",
    }


def _relation(part: RelationPart, source: str) -> Row:
    return {
        **_fact(part.key, source, part.cite),
        "subject": part.subject,
        "predicate": part.predicate,
        "object": part.object,
    }


def _designation(part: DesignationPart, source: str) -> Row:
    return {
        **_fact(part.key, source, part.cite),
        **part.model_dump(include={"subject", "level", "conferred_by", "since"}),
        **_localised("title", part.title),
    }


def _fact(key: str, source: str, cite: Citation) -> Row:
    return {
        "id": f"{source}.{key}",
        "source": source,
        "line": cite.line,
        "as_written": cite.text,
        "speaker": cite.speaker,
    }


def _localised(name: str, text: Text | None) -> Row:
    return {f"{name}_en": text.en if text else None, f"{name}_zh": text.zh if text else None}
