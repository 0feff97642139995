"""From datasets and problems to HTTP responses."""

from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import Response

from app.dataset import Dataset
from app.errors import MEDIA_TYPE, Problem
from app.formats import FORMATS, Format
from app.resource import Lang


def represent(dataset: Dataset, format_: Format, lang: Lang, address: str) -> Response:
    """The dataset in a format, with its language and links: the next page, the other formats, the API's description.

    ``address`` is that of the request.
    """
    following = dataset.links.get("next")
    links = [f'<{following}>; rel="next"'] if following else []
    links += [
        f'<{_in_format(address, other)}>; rel="alternate"; type="{other.media_type}"' for other in FORMATS if other is not format_
    ]
    headers = {
        "Content-Language": lang,
        "Vary": "Accept, Accept-Language",
        "Link": ", ".join([*links, '</openapi.json>; rel="describedby"; type="application/openapi+json"']),
    }
    if format_ is not FORMATS[0]:
        headers["Content-Disposition"] = disposition(f"{dataset.name}.{format_.extension}")
    return Response(b"".join(format_.write(dataset)), headers=headers, media_type=format_.content_type)


def _in_format(address: str, format_: Format) -> str:
    path, _, query = address.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("format=")]
    return path + "?" + "&".join([*kept, f"format={format_.name}"])


def disposition(name: str) -> str:
    """Content-Disposition (RFC 6266) that offers ``name`` for saving."""
    return f"inline; filename*=UTF-8''{quote(name)}"


def plain(content: Any, lang: Lang | None = None, status: int = 200) -> Response:
    """A JSON document that is not a table."""
    headers = {"Content-Language": lang, "Vary": "Accept-Language"} if lang else {}
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def problem_response(problem: Problem, instance: str) -> Response:
    """The problem document of RFC 9457."""
    return Response(msgspec.json.encode(problem.document(instance)), problem.status, problem.headers, MEDIA_TYPE)
