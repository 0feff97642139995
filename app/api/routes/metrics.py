"""``/metrics``: metrics of the process, for Prometheus."""

from fastapi import APIRouter, Request, Response

from app.api.answers import TEXT, responses
from app.api.query_params import NoParameters, read_query
from app.api.readers import readers_of
from app.errors import BadRequest, InvalidParameters

router = APIRouter(tags=["Service"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Get metrics of this process",
    description="Requests by route, cache hits, the revision and the size of the database, in Prometheus' text format.",
    responses=responses("The metrics.", BadRequest, InvalidParameters, media={"text/plain": TEXT}),
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """Return the metrics."""
    read_query(NoParameters, request)
    text = await readers_of(request).check(request.app.state.metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers={"Cache-Control": "no-store"})
