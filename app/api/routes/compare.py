"""``/v1/compare``: one indicator of several regions side by side, with differences and ratios that respect the hedges."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from app.api.declared_answers import compare_answers
from app.api.query_params import NoParameters, described, language, read
from app.api.readers import readers_of
from app.api.representation import PLAIN, V1, Variant
from app.domain.intervals import Interval
from app.errors import Fault, NotComparable
from app.query.repository import Reader
from app.resources.base import AS_OF, MAX_LIMIT, AsOf, Code, Comma, ItemQuery, Lang
from app.resources.observations import OBSERVATIONS, Nature, ObservationQuery

router = APIRouter(prefix=V1, tags=[OBSERVATIONS.tag])

MOST_REGIONS = 50
SIGNIFICANT = 12
"""Digits of a ratio."""
Record = dict[str, Any]


class CompareParameters(NoParameters):
    """The parameters of a comparison."""

    indicator: Annotated[Code, Field(description="Id of the indicator.")]
    region: Annotated[
        list[Code],
        Comma,
        Field(min_length=2, max_length=MOST_REGIONS, description="Ids of the regions; the others are compared with the first."),
    ]
    nature: Annotated[Nature, Field(description="Nature of the figures.")] = "actual"
    as_of: Annotated[AsOf, Field(description=AS_OF)] = None
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None


@router.get(
    "/compare",
    operation_id="compare_regions",
    summary="Compare regions by an indicator",
    description=(
        "The newest figure of each region, and of each its difference from and ratio to that of the first, computed on bounds "
        "(interval arithmetic): an open bound stays open. Refused where periods do not agree or a figure is missing."
    ),
    responses=compare_answers(),
    openapi_extra={"parameters": described(CompareParameters)},
    response_class=Response,
)
async def compare(request: Request) -> Response:
    """The figures side by side."""
    query = read(CompareParameters, request)
    lang = language(query.lang, request)

    def found(connection: Connection, variant: Variant) -> Response:
        reader = Reader(connection, OBSERVATIONS, lang, query.as_of)
        regions = list(dict.fromkeys(query.region))
        wanted = ObservationQuery(
            limit=MAX_LIMIT, indicator=[query.indicator], subject=regions, nature=[query.nature], latest=True
        )
        figures = _comparable(reader.page(wanted).dataset.records(), regions)
        base = figures[0]
        data = [{**figure, **_against(figure, base)} for figure in figures]
        meta = {"revision": reader.revision, "base": base["subject"]}
        return variant.written({"data": data, "meta": meta, "links": {"self": variant.address}})

    return await readers_of(request).answer(request, PLAIN, lang, found)


def _comparable(figures: list[Record], regions: list[str]) -> list[Record]:
    """One figure of each region, in their order. Raises NotComparable where that is not possible."""
    faults = []
    chosen: dict[str, Record] = {}
    for figure in figures:
        if figure["value"] is not None and figure["subject"] in chosen:
            faults.append(Fault(f"{figure['subject']} has several figures of the same period.", "several", parameter="region"))
        if figure["value"] is not None:
            chosen.setdefault(figure["subject"], figure)
    missing = (region for region in regions if region not in chosen)
    faults += [Fault(f"{region} has no such figure.", "no_figure", parameter="region") for region in missing]
    known = [chosen[region] for region in regions if region in chosen]
    for figure in known[1:]:
        for names in (("period_start", "period_end"), () if known[0]["period_start"] else ("reported_on",)):
            ours, theirs = ([str(record[name]) for name in names] for record in (figure, known[0]))
            if ours != theirs:
                message = f"{figure['subject']} is about {'/'.join(ours)}, {known[0]['subject']} about {'/'.join(theirs)}."
                faults.append(Fault(message, "period", parameter="region"))
    if faults:
        raise NotComparable("These figures cannot be compared.", faults)
    return known


def _against(figure: Record, base: Record) -> Record:
    """The difference from and ratio to the base: of the stated numbers, and what the bounds allow."""
    this, other = (Interval.of(record["lower"], record["upper"]) for record in (figure, base))
    exact = figure["comparator"] == base["comparator"] == "="
    ratio = this.over(other)
    return {"difference": _bounds(this.minus(other), exact=exact), "ratio": _bounds(ratio, exact=exact) if ratio else None}


def _bounds(interval: Interval, *, exact: bool) -> Record:
    return {"lower": _rounded(interval.lower), "upper": _rounded(interval.upper), "exact": exact}


def _rounded(bound: Decimal | None) -> float | int | None:
    if bound is None:
        return None
    number = float(f"{bound:.{SIGNIFICANT}g}")
    return int(number) if number.is_integer() else number
