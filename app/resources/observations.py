"""Observations: the claims of a source about one indicator of one subject."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import Number, Whole, text
from app.domain.hedges import HEDGES, BoundsBasis, Comparator, hedge_of, wording
from app.resources.base import At, Latest, Match, Resource, Where
from app.resources.indicators import Topic
from app.resources.mixins import CLUSTERED, Before, EntityKind, Fact, FactQuery, FactRow, fact_constraints, one_of
from app.resources.parameter_types import Amount, Choices, Day, Flag, Ids, Places

Nature = Literal["actual", "planned", "target"]
PeriodBasis = Literal["stated", "derived", "unstated"]
RankBand = Literal["leading", "first_class"]
HedgeWord: Any = Literal[tuple(HEDGES)]
BY_SERIES = ("subject", "indicator", "nature", "source")
"""Sort order that groups the figures of one source about one indicator of one subject."""

CHECKS = {
    "period": "(period_basis = 'unstated') = (period_label IS NULL)",
    "period_dates": "(period_start IS NULL) = (period_end IS NULL) AND period_start <= period_end",
    "period_derived": "period_basis <> 'derived' OR period_start IS NOT NULL",
    "period_unstated": "period_basis <> 'unstated' OR period_start IS NULL",
    "claim": "value IS NOT NULL OR rank IS NOT NULL OR rank_band IS NOT NULL",
    "value": "(value IS NULL) = (comparator IS NULL) AND (value IS NULL) = (bounds_basis IS NULL)",
    "hedge": "hedge IS NULL OR value IS NOT NULL",
    "bounds": "lower <= upper",
    "bounds_none": "bounds_basis IS NOT NULL AND bounds_basis <> 'none' OR lower IS NULL AND upper IS NULL",
    "bounds_value": "(lower IS NULL OR lower <= value) AND (upper IS NULL OR upper >= value)",
    "rank": "rank >= 1 AND (rank_of IS NULL OR rank_of >= rank)",
    "rank_scope": "(rank_scope_en IS NULL) = (rank_scope_zh IS NULL)",
    "rank_or_band": "rank IS NULL OR rank_band IS NULL",
}
"""Conditions that hold for every row, by name of the constraint."""


class ObservationRow(FactRow, table=True):
    """Versions of observations. ``subject_kind`` and ``region`` repeat the subject's, so that filters need no join.

    Current versions are also stored as JSON objects, keyed by ``number``.
    """

    __tablename__ = "observation"
    __table_args__ = (
        *fact_constraints(),
        *(CheckConstraint(rule, name=name) for name, rule in CHECKS.items()),
        one_of("nature", Nature),
        one_of("comparator", Comparator),
        one_of("bounds_basis", BoundsBasis),
        one_of("rank_band", RankBand),
        one_of("period_basis", PeriodBasis),
        Index(None, "indicator", "region"),
        Index(None, "indicator", "value"),
        Index(None, *BY_SERIES, "id"),
        Index(None, "region", "retracted_in", "id", "number"),  # covering: finds a page of a region's current rows by itself
        Index(None, "subject", "retracted_in", "id", "number"),  # the same for the rows that an item carries: a fifth of the time
        CLUSTERED,
    )

    indicator: str = Stored(foreign_key="indicator.id")
    subject: str = Stored(foreign_key="entity.id")
    subject_kind: str
    region: str | None = Stored(foreign_key="entity.id")
    nature: str
    value: float | None = Stored(sa_type=Number)
    comparator: str | None
    lower: float | None = Stored(sa_type=Number)
    upper: float | None = Stored(sa_type=Number)
    bounds_basis: str | None
    hedge: str | None
    rank: int | None
    rank_of: int | None
    rank_band: str | None
    rank_scope_en: str | None
    rank_scope_zh: str | None
    rank_region: str | None = Stored(foreign_key="entity.id")
    period_label: str | None
    period_start: date | None
    period_end: date | None
    period_basis: str
    statement_en: str = text()
    statement_zh: str = text()
    number: int | None = Stored(sa_type=Whole)


class ObservationBefore(Before, table=True):
    """Earlier values of the columns derived from other tables; the fact itself did not change."""

    __tablename__ = "observation_before"
    __table_args__ = (CLUSTERED,)

    subject_kind: str
    region: str | None
    statement_en: str = text()
    statement_zh: str = text()


class EncodedRow(SQLModel):
    """A current observation, encoded as a JSON object as it appears in a list."""

    number: int = Stored(sa_type=Whole, primary_key=True)
    body: bytes


class EnglishRow(EncodedRow, table=True):
    """Observations encoded in English."""

    __tablename__ = "observation_json_en"


class ChineseRow(EncodedRow, table=True):
    """Observations encoded in Chinese."""

    __tablename__ = "observation_json_zh"


STATEMENT_FORMAT = 1
"""The format of stored statements: one more whenever ``statement`` words anything otherwise."""
NATURES = {
    "en": {"actual": "", "planned": "planned, ", "target": "target, "},
    "zh": {"actual": "", "planned": "计划", "target": "目标"},
}
STATEMENT = {
    "en": "{subject} – {indicator}: {claim} ({nature}{period}). Source: {publisher}, {on}, line {line}.",
    "zh": "{subject}——{indicator}：{nature}{claim}（{period}）。来源：{publisher}，{on}，第{line}行。",
}
WITHIN = {"en": "{subject}, {region}", "zh": "{region}{subject}"}
REGION_TYPE = {
    "en": re.compile(r" (District|City|Municipality|County|Province|Prefecture|Region|New Area|Autonomous Region|Special .+)$"),
    "zh": re.compile(r"(特别行政区|自治区|自治州|自治县|新区|地区|省|市|区|县|州|盟|旗|镇|乡)$"),
}
"""Endings of region names, which other names leave out when they contain the region's (徐汇区, 徐汇中城)."""
UNDATED = {"en": "no period stated", "zh": "未说明时期"}
UNFIXED = {"en": "period stated as “{label}”", "zh": "所述时期为“{label}”"}
PLACED = {"en": "no. {place}{of}{scope}", "zh": "{scope}{of}第{place}位"}
PLACED_OF = {"en": " of {n}", "zh": "{n}个中"}
BANDED = {
    "en": {"leading": "among the leading{scope}", "first_class": "first-class{scope}"},
    "zh": {"leading": "位居{scope}前列", "first_class": "{scope}一流"},
}
JOIN = {"en": ", ", "zh": "，"}


def statement(  # noqa: PLR0913  one parameter per column used
    lang: str,
    subject: str,
    kind: str,
    region: str | None,
    indicator: str,
    nature: str,
    value: float | None,
    unit: str,
    hedge: str | None,
    rank: int | None,
    rank_of: int | None,
    rank_band: str | None,
    scope: str | None,
    period_label: str | None,
    period_start: date | None,
    period_end: date | None,
    publisher: str,
    published_on: date | None,
    line: int,
) -> str:
    """Return one sentence that is safe to print.

    It claims exactly what the source claims, with hedge, unit, period and citation.
    """
    claims = []
    if value is not None:
        claims.append(wording(value, unit, hedge_of(hedge), lang))
    within = "" if scope is None else f" {scope}" if lang == "en" else scope
    if rank is not None:
        of = PLACED_OF[lang].format(n=rank_of) if rank_of is not None else ""
        claims.append(PLACED[lang].format(place=rank, of=of, scope=within))
    if rank_band is not None:
        claims.append(BANDED[lang][rank_band].format(scope=within))
    return STATEMENT[lang].format(
        subject=subject if kind == "region" or region is None else _within(lang, subject, region),
        indicator=indicator,
        claim=JOIN[lang].join(claims),
        nature=NATURES[lang][nature],
        period=_period(lang, period_label, period_start, period_end),
        publisher=publisher,
        on=published_on,
        line=line,
    )


def _period(lang: str, label: str | None, start: date | None, end: date | None) -> str:
    if label is None:
        return UNDATED[lang]
    if start is None or end is None:
        return UNFIXED[lang].format(label=label)
    if start == end:
        return str(start)
    whole_year = (start.month, start.day, end.month, end.day) == (1, 1, 12, 31) and start.year == end.year
    return str(start.year) if whole_year else f"{start}/{end}"


def _within(lang: str, subject: str, region: str) -> str:
    """Return the subject with its region, unless its name contains the region's."""
    short = REGION_TYPE[lang].sub("", region)
    if lang == "zh":
        is_named = (short if len(short) > 1 else region) in subject
    else:
        is_named = re.search(rf"\b{re.escape(short or region)}\b", subject) is not None
    return subject if is_named else WITHIN[lang].format(subject=subject, region=region)


class Observation(Fact):
    """A claim of a source about one indicator of one subject, with hedge, bounds, period and citation."""

    id: str = Field(description="`<source>.<key>`, stable over revisions.")
    indicator: str = Field(description="Id of the indicator.")
    indicator_name: Annotated[str, At("indicator.name_{lang}")] = Field(description="Name of the indicator.")
    topic: Annotated[Topic, At("indicator.topic")] = Field(description="Topic of the indicator.")
    subject: str = Field(description="Id of the entity that it is about, as specific as the source is.")
    subject_name: Annotated[str, At("subject.name_{lang}")] = Field(description="Name of the subject.")
    subject_kind: EntityKind = Field(description="Kind of the subject.")
    region: str | None = Field(description="Id of the region that the subject is or belongs to.")
    nature: Nature = Field(description="Nature of the figure: actual, planned or a target.")
    value: float | None = Field(description="The stated number in `unit`; null for a purely ordinal claim.")
    unit: Annotated[str, At("indicator.unit")] = Field(description="Code of the indicator's base unit.")
    comparator: Comparator | None = Field(
        description="How the true value stands to `value`: the codes of a FHIR Quantity, `=` without hedge, `~` for about."
    )
    lower: float | None = Field(description="The lowest value that the source supports; null if it leaves this side open.")
    upper: float | None = Field(description="The highest value that the source supports; null if it leaves this side open.")
    bounds_basis: BoundsBasis | None = Field(
        description="`stated` by the hedge, ±10 % by `convention` for about, or `none` for orders of magnitude."
    )
    hedge: str | None = Field(description="The literal hedging word; null if there is none.")
    rank: int | None = Field(description="The stated place within the scope, 1 for first.")
    rank_of: int | None = Field(description="Number of entities ranked; null if not stated.")
    rank_band: RankBand | None = Field(description="`leading` or `first_class` if the source claims a standing without a place.")
    rank_scope: Annotated[str | None, At("rank_scope_{lang}")] = Field(
        description="Scope within which it is ranked; null if not stated."
    )
    rank_region: str | None = Field(description="Id of the region whose parts are ranked.")
    period_label: str | None = Field(description="The period as written; null if none is stated.")
    period_start: date | None = Field(description="First day of the period; null if it is not fixed.")
    period_end: date | None = Field(description="Last day of the period; null if it is not fixed.")
    period_basis: PeriodBasis = Field(
        description="`stated`, `derived` from the publication date (last year), or `unstated`; never guessed."
    )
    statement: Annotated[str, At("statement_{lang}")] = Field(
        description="One sentence in the requested language that is safe to print."
    )


HEDGED = ("lower", "upper", "comparator")


class ObservationQuery(FactQuery):
    """Parameters of the list of observations."""

    ranges: ClassVar = (
        *((least, most) for least in ("value_gt", "value_gte") for most in ("value_lt", "value_lte")),
        ("period_from", "period_to"),
        ("reported_from", "reported_to"),
    )

    indicator: Annotated[Ids, Where("indicator", "in"), Field(description="Ids of indicators.")] = None
    topic: Annotated[Choices[Topic], Where("indicator.topic", "in"), Field(description="Topics of indicators.")] = None
    subject: Annotated[Ids, Where("subject", "in"), Field(description="Ids of subjects.")] = None
    subject_kind: Annotated[Choices[EntityKind], Where("subject_kind", "in"), Field(description="Kinds of subjects.")] = None
    region: Annotated[Ids, Where("region", "in"), Field(description="Ids of regions.")] = None
    nature: Annotated[Choices[Nature], Where("nature", "in"), Field(description="Natures.")] = None
    unit: Annotated[Ids, Where("indicator.unit", "in"), Field(description="Unit codes.")] = None
    comparator: Annotated[Choices[Comparator], Where("comparator", "in"), Field(description="Comparators.")] = None
    hedge: Annotated[Choices[HedgeWord], Where("hedge", "in"), Field(description="Literal hedge words.")] = None
    bounds_basis: Annotated[Choices[BoundsBasis], Where("bounds_basis", "in"), Field(description="Bases of the bounds.")] = None
    rank: Annotated[Places, Where("rank", "in"), Field(description="Stated places.")] = None
    rank_band: Annotated[Choices[RankBand], Where("rank_band", "in"), Field(description="Bands of places.")] = None
    period_basis: Annotated[Choices[PeriodBasis], Where("period_basis", "in"), Field(description="Bases of the periods.")] = None
    value: Annotated[Amount, Where("value", "=", HEDGED), Field(description="Stated number equal to.")] = None
    value_gt: Annotated[Amount, Where("value", ">", HEDGED), Field(description="Stated number greater than.")] = None
    value_gte: Annotated[Amount, Where("value", ">=", HEDGED), Field(description="Stated number at least.")] = None
    value_lt: Annotated[Amount, Where("value", "<", HEDGED), Field(description="Stated number less than.")] = None
    value_lte: Annotated[Amount, Where("value", "<=", HEDGED), Field(description="Stated number at most.")] = None
    match: Annotated[
        Match,
        Field(
            description="Numbers that the filters on `value` compare: the stated one (`point`), every number that the hedge "
            "leaves open (`certain`), or any of them (`possible`). Rows without a number never match."
        ),
    ] = "point"
    latest: Annotated[
        Flag,
        Field(
            description="Keep only the rows of the newest period per subject, indicator and nature; rows without dates count by "
            "the publication date of their source."
        ),
    ] = False
    period_from: Annotated[
        Day | None,
        Where("period_end", ">="),
        Field(description="Period ends on or after this day; rows without dates are excluded."),
    ] = None
    period_to: Annotated[Day | None, Where("period_start", "<="), Field(description="Period starts on or before this day.")] = (
        None
    )
    reported_from: Annotated[
        Day | None, Where("source.published_on", ">="), Field(description="Source published on or after.")
    ] = None
    reported_to: Annotated[
        Day | None, Where("source.published_on", "<="), Field(description="Source published on or before.")
    ] = None


OBSERVATIONS = Resource(
    "observations",
    row=ObservationRow,
    public=Observation,
    query=ObservationQuery,
    tag="District metrics",
    summary="Figures and rankings as sources state them: hedged, dated or not, and cited.",
    sort=(
        "id",
        "indicator",
        "topic",
        "subject",
        "nature",
        "region",
        "source",
        "value",
        "lower",
        "upper",
        "rank",
        "period_start",
        "period_end",
        "reported_on",
        "line",
    ),
    title=("subject.name_{lang}", "indicator.name_{lang}"),
    search=("as_written", "rank_scope_en", "rank_scope_zh"),
    facets=("indicator", "topic", "subject", "subject_kind", "region", "nature", "comparator", "period_basis", "source"),
    orders=(BY_SERIES,),
    encoded={"en": EnglishRow, "zh": ChineseRow},
    latest=Latest(per=("subject", "indicator", "nature"), newest=("period_end", "source.published_on")),
)
