"""HTTP responses of datasets, documents and problems, with validators and cache headers."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from itertools import product
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api.conditional_requests import entity_tags, is_fresh
from app.domain.dataset import Dataset, Envelope
from app.domain.urls import with_open_parameter
from app.errors import MEDIA_TYPE, Problem
from app.formats import FORMATS, Format, formats_for
from app.formats.base import Medium
from app.publishing.derived_data import DERIVED_FORMATS
from app.query.snapshot import Version
from app.resources.base import LANGS, Lang

V1 = "/v1"
OK = 200
IS_HEAD = "indicators.head"
"""Key in the ASGI scope of a HEAD request, whose response needs no body."""
JSON_ENVELOPE: Medium[Envelope] = Medium(
    "json", "application/json", lambda envelope: msgspec.json.encode(envelope.document()), "application/json"
)
"""JSON of responses that are not a table."""
CACHE_CONTROL = "public, max-age=0, must-revalidate"
"""Shared caches may store a response and must revalidate it: it is current until the next publication."""
NO_STORE = {"Cache-Control": "no-store"}
"""Headers of responses that must not be cached."""
DATA_FORMATS = " ".join(map(str, DERIVED_FORMATS.values()))
"""The formats of derived data, as a part of entity tags: a rebuild changes responses without a revision."""
DESCRIBED_BY = '</openapi.json>; rel="describedby"'
ENCODINGS = ("zstd", "br", "gzip")
"""Content encodings whose names compression may append to an entity tag."""


@dataclass(frozen=True, slots=True)
class Representation:
    """Representation of a resource (RFC 9110, section 3.2): its format and language, at a version of the data.

    Attributes:
        address: The path and query of the request.
        format: The format or medium.
        lang: The language of texts.
        version: The version of the data.
        if_none_match: The If-None-Match of the request.
        if_modified_since: The If-Modified-Since of the request.
    """

    address: str
    format: Format | Medium[Any]
    lang: Lang
    version: Version
    if_none_match: str | None = None
    if_modified_since: str | None = None

    @classmethod
    def of(cls, request: Request, version: Version, format_: Format | Medium[Any], lang: Lang) -> "Representation":
        """Return the representation that ``request`` selects."""
        header = request.headers.get
        return cls(address(request), format_, lang, version, header("if-none-match"), header("if-modified-since"))

    @property
    def etag(self) -> str:
        """Strong entity tag (RFC 9110, section 8.8.3).

        Compression appends the name of the encoding. The tag begins with the revision, which If-Match compares.
        """
        return f'"{tag_of(self.version.revision, self.version.sha256, self.address, self.format.name, self.lang)}"'

    @property
    def is_known(self) -> bool:
        """True if If-None-Match has the entity tag, in any encoding.

        The representation then exists, and the client's copy is current.
        """
        if self.if_none_match is None:
            return False
        return not {*entity_tags(self.if_none_match)}.isdisjoint(with_encodings(self.etag))

    def conditional(self, response: Response) -> Response:
        """Return 304 instead of a 200 if the client's copy is current, else ``response``.

        ``*`` and dates match without proof that the representation exists, and conditions apply to successful responses only
        (RFC 9110, section 13.2.1).
        """
        if self.if_none_match is None and self.if_modified_since is None:
            return response
        modified = http_date(self.version.published_at)
        conditions = self.if_none_match, self.if_modified_since
        fresh = any(is_fresh(tag, modified, *conditions) for tag in with_encodings(self.etag))
        return self.not_modified() if fresh and response.status_code == OK else response

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "ETag": self.etag,
            "Last-Modified": http_date(self.version.published_at),
            "Cache-Control": CACHE_CONTROL,
            "Content-Language": self.lang,
            "Vary": "Accept, Accept-Language, Accept-Encoding",
        }

    def not_modified(self) -> Response:
        """Return 304: the client's copy is current."""
        tags = entity_tags(self.if_none_match or "")
        tag = next((tag for tag in with_encodings(self.etag) if tag in tags), self.etag)
        return Response(status_code=304, headers=self._headers | {"ETag": tag})

    def render(self, content: Any) -> Response:
        """Return the response with ``content``: a dataset, or what the medium writes."""
        if isinstance(self.format, Medium):
            content = content.linked(self.address) if isinstance(content, Envelope) else content
            return self.body(self.format.write(content))
        dataset: Dataset = content.linked(self.address)
        body = b"".join(self.format.write(dataset))
        offers = [offer for offer in formats_for(dataset.columns) if offer.counts or not dataset.facets]
        return Response(body, headers=self._described(self.format, dataset, offers), media_type=self.format.content_type)

    def stream(self, dataset: Dataset, chunks: AsyncIterator[bytes]) -> Response:
        """Return a response that sends ``chunks`` of the dataset as they are read."""
        if isinstance(self.format, Medium):
            raise TypeError("a medium writes no datasets")
        offers = [offer for offer in formats_for(dataset.columns) if offer.streams]
        headers = self._described(self.format, dataset, offers)
        return StreamingResponse(chunks, headers=headers, media_type=self.format.content_type)

    def _described(self, format_: Format, dataset: Dataset, offers: Sequence[Format]) -> dict[str, str]:
        """Return the headers; ``offers`` are the formats available for the same rows."""
        following = dataset.links.get("next")
        links = [f'<{following}>; rel="next"'] if following else []
        links += alternates(self.address, [other for other in offers if other is not format_])
        headers = self._headers | {"Link": ", ".join([*links, DESCRIBED_BY])}
        if format_ is not FORMATS[0]:
            headers |= {"Content-Disposition": disposition(f"{dataset.name}.{format_.extension}"), **format_.headers}
        return headers

    def body(self, body: bytes | AsyncIterator[bytes]) -> Response:
        """Return the response with an encoded body, whole or in pieces."""
        content_type = self.format.content_type
        if isinstance(body, bytes):
            return Response(body, headers=self._headers, media_type=content_type)
        return StreamingResponse(body, headers=self._headers, media_type=content_type)


def tag_of(revision: int, sha256: str, address: str, format_: str, lang: str) -> str:
    """Return the unquoted entity tag of a representation.

    ``sha256`` is that of the document published in ``revision``.
    """
    content = f"{revision} {sha256} {address} {format_} {lang} {DATA_FORMATS}"
    return f"{revision}-{hashlib.blake2b(content.encode(), digest_size=10).hexdigest()}"


def tags_of_source(source: str, revision: int, sha256: str) -> frozenset[str]:
    """Return all entity tags of a source at a revision.

    These are the tags in every format and language, for every query string that selects them, and the tag of its receipt.
    """
    path = quote(f"{V1}/sources/{source}")
    tags = {f"{revision}-{sha256[:20]}"}
    for format_, lang in product((offer.name for offer in FORMATS), LANGS):
        queries = ("", f"?format={format_}", f"?lang={lang}", f"?format={format_}&lang={lang}", f"?lang={lang}&format={format_}")
        tags |= {tag_of(revision, sha256, path + query, format_, lang) for query in queries}
    return frozenset(tags)


@lru_cache
def http_date(moment: str) -> str:
    """Return an ISO 8601 moment as an HTTP date."""
    return format_datetime(datetime.fromisoformat(moment), usegmt=True)


def with_encodings(etag: str) -> tuple[str, ...]:
    """Return the entity tag without and with the suffix of each content encoding."""
    return (etag, *(f'{etag[:-1]}-{encoding}"' for encoding in ENCODINGS))


_CANONICAL = re.compile(rb"[\w.~-]+=[\w.~,-]*(&[\w.~-]+=[\w.~,-]*)*", re.ASCII)
"""A query string that parsing and encoding again would not change."""


def address(request: Request) -> str:
    """Return the path and query of a request, in one canonical encoding."""
    query = request.scope["query_string"]
    if _CANONICAL.fullmatch(query) is None:
        query = urlencode(parse_qsl(query.decode(), keep_blank_values=True), safe=",").encode()
    return quote(request.scope["path"]) + (f"?{query.decode()}" if query else "")


def alternates(own_address: str, others: Sequence[Format]) -> list[str]:
    """Return links to a list in other formats, relative to ``own_address``.

    Further pages have none: their reader has chosen a format, and links with a cursor each would be most of the headers.
    """
    _, _, query = own_address.partition("?")
    if _CURSOR.search(query):
        return []
    base = with_open_parameter(f"?{query}", "format")
    return [f'<{base}{other.name}>; rel="alternate"; type="{other.media_type}"' for other in others]


_CURSOR = re.compile(r"(^|&)cursor=")
_PLAIN_NAME = re.compile(r"[\w.~ -]+", re.ASCII)


def disposition(name: str, kind: Literal["inline", "attachment"] = "inline") -> str:
    """Return the Content-Disposition (RFC 6266) with the file name ``name``.

    ``filename*`` is added only for characters that ``filename`` cannot have; there an underscore replaces each.
    """
    if _PLAIN_NAME.fullmatch(name):
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{re.sub(r'[^A-Za-z0-9_.~ -]', '_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"


def plain(content: Any, status: int = 200) -> Response:
    """Return an uncacheable JSON response."""
    return Response(msgspec.json.encode(content), status, NO_STORE, media_type="application/json")


def about(request: Request, content: Any, media_type: str = "application/json") -> Response:
    """Return a document about the service, or 304 if the client's copy is current.

    ``content`` is bytes, or plain values to write as JSON.
    """
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    etag = content_tag(body)
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL}
    if_none_match = request.headers.get("if-none-match")
    if any(is_fresh(tag, None, if_none_match, None) for tag in with_encodings(etag)):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def content_tag(body: bytes) -> str:
    """Return the strong entity tag of a body, made from its content."""
    return f'"{hashlib.blake2b(body, digest_size=10).hexdigest()}"'


def problem_response(problem: Problem, instance: str) -> Response:
    """Return the response with a problem document (RFC 9457)."""
    return Response(msgspec.json.encode(problem.document(instance)), problem.status, NO_STORE | problem.headers, MEDIA_TYPE)
