"""``/metrics``: what the service counts, for Prometheus."""

from fastapi import APIRouter, Request, Response

from app.api.answers import TEXT, responses
from app.api.query_params import NoParameters, read
from app.api.readers import readers_of
from app.errors import BadRequest, InvalidParameters

router = APIRouter(tags=["Service"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Metrics of this process",
    description="Requests by route, answers of the cache, the revision, sizes of the database: Prometheus' text format.",
    responses=responses("The metrics.", BadRequest, InvalidParameters, media={"text/plain": TEXT}),
    response_class=Response,
)
async def metrics(request: Request) -> Response:
    """What is counted."""
    read(NoParameters, request)
    text = await readers_of(request).check(request.app.state.metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers={"Cache-Control": "no-store"})
