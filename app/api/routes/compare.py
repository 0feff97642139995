"""``/v1/compare``: an indicator of several regions, with differences and ratios computed on bounds."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.answers import ItemLinks, examples, responses
from app.api.query_params import NoParameters
from app.api.representation import V1
from app.api.view import View, add_view
from app.domain.dataset import Envelope
from app.domain.intervals import Interval
from app.errors import BadRequest, Fault, InvalidParameters, NotComparable
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.resources.base import ItemQuery, Lang
from app.resources.observations import OBSERVATIONS, Nature, Observation, ObservationQuery
from app.resources.parameter_types import AS_OF, MAX_LIMIT, AsOf, Code, Comma

router = APIRouter(prefix=V1, tags=[OBSERVATIONS.tag])

MOST_REGIONS = 50
"""Regions in a comparison."""
SIGNIFICANT = 12
"""Significant digits of a difference or ratio."""
Record = dict[str, Any]


class CompareParameters(NoParameters):
    """Query parameters of a comparison."""

    indicator: Annotated[Code, Field(description="Id of the indicator.")]
    region: Annotated[
        list[Code],
        Comma,
        Field(min_length=2, max_length=MOST_REGIONS, description="Ids of the regions; the first is the base of the comparison."),
    ]
    nature: Annotated[Nature, Field(description="Nature of the figures.")] = "actual"
    as_of: Annotated[AsOf, Field(description=AS_OF)] = None
    lang: Annotated[Lang | None, Field(description=ItemQuery.model_fields["lang"].description)] = None


class Bounds(BaseModel):
    """Bounds of a difference or ratio; null where unbounded."""

    lower: float | None
    upper: float | None
    exact: bool


class ComparedObservation(Observation):
    """An observation, with its difference from and ratio to that of the first region."""

    difference: Bounds
    ratio: Bounds | None


class CompareMeta(BaseModel):
    """Facts about a comparison."""

    revision: int
    base: str = Field(description="Id of the first region, the base of the comparison.")


class Comparison(BaseModel):
    """A comparison of regions."""

    data: list[ComparedObservation]
    meta: CompareMeta
    links: ItemLinks


def compare(snapshot: Snapshot, query: CompareParameters) -> Envelope:
    """Return the newest figure of each region, compared. Raises NotComparable."""
    repository = Repository(snapshot, OBSERVATIONS, query.as_of)
    regions = list(dict.fromkeys(query.region))
    filters = ObservationQuery(limit=MAX_LIMIT, indicator=[query.indicator], subject=regions, nature=[query.nature], latest=True)
    figures = _comparable(repository.page(filters).records(), regions)
    base = figures[0]
    data = [{**figure, **_differences(figure, base)} for figure in figures]
    return Envelope(data, {"revision": repository.revision, "base": base["subject"]})


add_view(
    router,
    "/compare",
    View(compare, CompareParameters),
    operation_id="compare_regions",
    summary="Compare regions by an indicator",
    description=(
        "The newest figure of each region, with its difference from and ratio to that of the first region, computed on bounds "
        "(interval arithmetic): an open bound stays open. Fails if periods differ or a figure is missing."
    ),
    responses=responses(
        "The comparison.",
        BadRequest,
        NotComparable,
        InvalidParameters,
        model=Comparison,
        example=examples()["compare"]["list"],
    ),
)


def _comparable(figures: list[Record], regions: list[str]) -> list[Record]:
    """Return a figure per region, in their order. Raises NotComparable."""
    faults = []
    chosen: dict[str, Record] = {}
    for figure in figures:
        if figure["value"] is not None and figure["subject"] in chosen:
            faults.append(Fault(f"{figure['subject']} has several figures of the same period.", "several", parameter="region"))
        if figure["value"] is not None:
            chosen.setdefault(figure["subject"], figure)
    missing = (region for region in regions if region not in chosen)
    faults += [Fault(f"{region} has no such figure.", "no_figure", parameter="region") for region in missing]
    ordered = [chosen[region] for region in regions if region in chosen]
    for figure in ordered[1:]:
        for names in (("period_start", "period_end"), () if ordered[0]["period_start"] else ("reported_on",)):
            ours, theirs = ([str(record[name]) for name in names] for record in (figure, ordered[0]))
            if ours != theirs:
                message = f"{figure['subject']} is about {'/'.join(ours)}, {ordered[0]['subject']} about {'/'.join(theirs)}."
                faults.append(Fault(message, "period", parameter="region"))
    if faults:
        raise NotComparable("These figures cannot be compared.", faults)
    return ordered


def _differences(figure: Record, base: Record) -> Record:
    """Return the difference from and the ratio to the base; no ratio if undefined."""
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
