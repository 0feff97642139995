"""From datasets and problems to HTTP responses, with what caches need to know of them."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.addresses import opened
from app.dataset import Dataset
from app.errors import MEDIA_TYPE, Problem
from app.formats import FORMATS, Format, formats_for
from app.formats.base import Medium
from app.query.history import Version
from app.resource import LANGS, Lang

V1 = "/v1"
PLAIN: Medium[Any] = Medium("json", "application/json", msgspec.json.encode, "application/json")
"""JSON of whatever is made of plain values."""
CACHE_CONTROL = "public, max-age=0, must-revalidate"
"""Everybody may keep an answer, and must ask whether it still holds: it does until the next publication."""
DESCRIBED_BY = (
    '</openapi.json>; rel="describedby"; type="application/openapi+json", '
    '</catalog>; rel="describedby"; type="application/ld+json"'
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One representation of what a request asks for: in a format and a language, of a version of the data."""

    address: str
    format: Format | Medium[Any]
    lang: Lang
    version: Version
    known: str

    @classmethod
    def of(cls, request: Request, version: Version, format_: Format | Medium[Any], lang: Lang) -> "Variant":
        """The variant that answers ``request``."""
        return cls(address(request), format_, lang, version, request.headers.get("if-none-match", ""))

    @property
    def etag(self) -> str:
        """The strong entity tag (RFC 9110, section 8.8.3), before compression adds the name of the encoding.

        It begins with the revision, by which If-Match knows what its sender has seen.
        """
        return f'"{tag_of(self.version.revision, self.version.sha256, self.address, self.format.name, self.lang)}"'

    @property
    def is_known(self) -> bool:
        """Whether the client has this representation, in whatever encoding."""
        return bool(self.known) and self.etag[1:-1] in self.known

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "ETag": self.etag,
            "Last-Modified": _http_date(self.version.published_at),
            "Cache-Control": CACHE_CONTROL,
            "Content-Language": self.lang,
            "Vary": "Accept, Accept-Language, Accept-Encoding",
        }

    def not_modified(self) -> Response:
        """304: the client's copy still holds."""
        tags = [tag.strip() for tag in self.known.split(",") if self.etag[1:-1] in tag]
        return Response(status_code=304, headers=self._headers | {"ETag": tags[0].removeprefix("W/")})

    @property
    def _format(self) -> Format:
        if not isinstance(self.format, Format):
            raise TypeError("a medium writes no datasets")
        return self.format

    def represent(self, dataset: Dataset) -> Response:
        """The dataset, with links to the next page, the other formats, and the description of the API."""
        body = b"".join(self._format.write(dataset))
        offers = [offer for offer in formats_for(dataset.columns) if offer.counts or not dataset.facets]
        return Response(body, headers=self._described(dataset, offers), media_type=self.format.content_type)

    def stream(self, dataset: Dataset, chunks: AsyncIterator[bytes]) -> Response:
        """The dataset, sent as ``chunks`` while it is read."""
        offers = [offer for offer in formats_for(dataset.columns) if offer.streams]
        return StreamingResponse(chunks, headers=self._described(dataset, offers), media_type=self.format.content_type)

    def _described(self, dataset: Dataset, offers: Sequence[Format]) -> dict[str, str]:
        """The headers; ``offers`` are the formats in which the same can be had."""
        following = dataset.links.get("next")
        links = [f'<{following}>; rel="next"'] if following else []
        elsewhere = opened(self.address, "format")
        links += [
            f'<{elsewhere}{other.name}>; rel="alternate"; type="{other.media_type}"'
            for other in offers
            if other is not self.format
        ]
        headers = self._headers | {"Link": ", ".join([*links, DESCRIBED_BY])}
        if self.format is not FORMATS[0]:
            headers |= {"Content-Disposition": disposition(f"{dataset.name}.{self._format.extension}"), **self._format.headers}
        return headers

    def sent(self, body: bytes | AsyncIterator[bytes]) -> Response:
        """What was written in its medium, whole or in pieces."""
        content_type = self.format.content_type
        if isinstance(body, bytes):
            return Response(body, headers=self._headers, media_type=content_type)
        return StreamingResponse(body, headers=self._headers, media_type=content_type)

    def written(self, content: Any) -> Response:
        """What is no dataset, as its medium writes it."""
        if isinstance(self.format, Format):
            raise TypeError("a format writes datasets alone")
        return self.sent(self.format.write(content))


def tag_of(revision: int, sha256: str, address: str, format_: str, lang: str) -> str:
    """Return the entity tag of a representation, without quotes, at a revision with a document of this SHA-256."""
    content = f"{revision} {sha256} {address} {format_} {lang}"
    return f"{revision}-{hashlib.blake2b(content.encode(), digest_size=10).hexdigest()}"


def tags_of_source(source: str, revision: int, sha256: str) -> frozenset[str]:
    """Return the entity tags of a source at a revision: in every format and language, however asked for, and of receipts."""
    path = quote(f"{V1}/sources/{source}")
    found = {f"{revision}-{sha256[:20]}"}
    for format_, lang in product((offer.name for offer in FORMATS), LANGS):
        asked = ("", f"?format={format_}", f"?lang={lang}", f"?format={format_}&lang={lang}", f"?lang={lang}&format={format_}")
        found |= {tag_of(revision, sha256, path + query, format_, lang) for query in asked}
    return frozenset(found)


@lru_cache
def _http_date(moment: str) -> str:
    return format_datetime(datetime.fromisoformat(moment), usegmt=True)


_CANONICAL = re.compile(rb"[\w.~-]+=[\w.~,-]*(&[\w.~-]+=[\w.~,-]*)*", re.ASCII)
"""A query string that stays as it is when it is taken apart and put together again."""


def address(request: Request) -> str:
    """The address of the request, from the root, in one of the ways in which it could be written."""
    query = request.scope["query_string"]
    if _CANONICAL.fullmatch(query) is None:
        query = urlencode(parse_qsl(query.decode(), keep_blank_values=True), safe=",").encode()
    return quote(request.scope["path"]) + (f"?{query.decode()}" if query else "")


def disposition(name: str) -> str:
    """Content-Disposition (RFC 6266) that offers ``name`` for saving."""
    return f"inline; filename*=UTF-8''{quote(name)}"


def plain(content: Any, status: int = 200) -> Response:
    """A JSON document about the service itself."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def problem_response(problem: Problem, instance: str) -> Response:
    """The problem document of RFC 9457."""
    return Response(msgspec.json.encode(problem.document(instance)), problem.status, problem.headers, MEDIA_TYPE)
