"""Problem details (RFC 9457): one class per error of the HTTP interface, with status, title and slug.

Imports no framework and no database. ``/problems/{slug}`` and OpenAPI list ``PROBLEMS``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from rapidfuzz import fuzz, process

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """A single fault of an input.

    Attributes:
        message: The fault and the expected value; never internals.
        code: A stable machine-readable word.
        parameter: The query, path or header parameter at fault, or None.
        pointer: The JSON pointer (RFC 6901) into the submitted document, or None.
        allowed: The allowed values, if they can be listed.
        suggestion: The nearest allowed value.
        line: The line of a submitted document, counted from 1.
        column: The column in that line, counted from 1.
    """

    message: str
    code: str
    parameter: str | None = None
    pointer: str | None = None
    allowed: tuple[str, ...] | None = None
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def sentence(self) -> str:
        """The fault in one line: place, message, and suggestion or allowed values."""
        place = self.parameter or self.pointer
        text = f"{place}: {self.message}" if place else self.message
        if self.suggestion is not None:
            return f"{text.removesuffix('.')}; did you mean {self.suggestion}?"
        if self.allowed:
            return f"{text.removesuffix('.')}; expected one of {', '.join(self.allowed)}"
        return text

    def document(self) -> dict[str, object]:
        """Return the fault as a member of ``errors``, without empty attributes."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


MOST_FAULTS = 20
"""Faults listed in one response; a longer list is of no use, and costs more than the request."""
MOST_OPTIONS = 5000
"""Options compared with a wrong value, in about 1 ms."""
LIKENESS = 60
"""Similarity in percent from which an option is suggested."""


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option most similar to ``word``, or None if none is similar."""
    match = process.extractOne(
        word[:100], islice(options, MOST_OPTIONS), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=LIKENESS
    )
    return None if match is None else match[0]


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """The base of errors reported to clients; each subclass is a problem type."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]

    def __init__(self, detail: str, errors: Iterable[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        """Create an occurrence: its explanation, its faults, and headers of the response."""
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self, instance: str) -> dict[str, object]:
        """Return the problem document (RFC 9457) for the request path ``instance``."""
        body: dict[str, object] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            body["errors"] = [fault.document() for fault in self.errors]
        return body


class BadRequest(Problem):
    """The request is not well-formed HTTP or not UTF-8."""

    status, slug, title = 400, "bad-request", "Bad request"
    meaning = "The request is not well-formed HTTP, or not UTF-8."


class IdempotencyKeyMissing(Problem):
    """A publication without an idempotency key."""

    status, slug, title = 400, "idempotency-key-missing", "Idempotency-Key missing"
    meaning = "A publication needs the header Idempotency-Key, so that it can be sent again when its answer is lost."


class Unauthorized(Problem):
    """The token is missing or invalid."""

    status, slug, title = 401, "unauthorized", "Unauthorized"
    meaning = "This address needs a valid token in the header Authorization, as `Bearer`; reading needs none."


class Forbidden(Problem):
    """The token lacks the required scope."""

    status, slug, title = 403, "forbidden", "Forbidden"
    meaning = "The token is valid, but its scopes do not allow this."


class NotFound(Problem):
    """No such route or no such id."""

    status, slug, title = 404, "not-found", "Not found"
    meaning = "There is no resource at this address. Where an id is close to a known one, `suggestion` names it."


class MethodNotAllowed(Problem):
    """The route exists, but not for this method."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"
    meaning = "The address exists, but does not answer this method; the Allow header lists those it answers."


class NotAcceptable(Problem):
    """None of the accepted media types can be served."""

    status, slug, title = 406, "not-acceptable", "Not acceptable"
    meaning = "None of the media types in Accept can be served; `allowed` lists those that can."


class RequestTimeout(Problem):
    """The client sent too slowly."""

    status, slug, title = 408, "request-timeout", "Request timeout"
    meaning = "The request did not arrive in time, or too slowly; `/v1/limits` has the limits."


class InFlight(Problem):
    """A request with the same key is in progress."""

    status, slug, title = 409, "in-flight", "In flight"
    meaning = "A request with the same Idempotency-Key is being worked on; ask again for its receipt."


class PreconditionFailed(Problem):
    """The source changed since the client read it."""

    status, slug, title = 412, "precondition-failed", "Precondition failed"
    meaning = "The source was revised since the version that If-Match names; get it again and look at what changed."


class PayloadTooLarge(Problem):
    """The body is larger than the limit."""

    status, slug, title = 413, "payload-too-large", "Payload too large"
    meaning = "The body is larger than what is accepted; `/v1/limits` has the limits."


class UriTooLong(Problem):
    """The request target is longer than the limit."""

    status, slug, title = 414, "uri-too-long", "URI too long"
    meaning = "The address of the request is longer than what is accepted; `/v1/limits` has the limits."


class UnsupportedMediaType(Problem):
    """The media type or encoding of the body is not supported."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"
    meaning = "The media type or the encoding of the body is not supported; `allowed` lists the supported ones."


class RangeNotSatisfiable(Problem):
    """The file has no bytes in the requested range."""

    status, slug, title = 416, "range-not-satisfiable", "Range not satisfiable"
    meaning = "The file has none of the bytes that Range asks for; Content-Range has its length."


class MisdirectedRequest(Problem):
    """The request is for another host."""

    status, slug, title = 421, "misdirected-request", "Misdirected request"
    meaning = "The service does not answer for the host that the request names."


class InvalidParameters(Problem):
    """Query, path or header parameters that are unknown, repeated, malformed or out of range."""

    status, slug, title = 422, "invalid-parameters", "Invalid parameters"
    meaning = "One or more parameters are unknown, repeated, malformed or out of range; `errors` lists all of them."


class NotComparable(Problem):
    """The figures to compare differ in period, are several, or are missing."""

    status, slug, title = 409, "not-comparable", "Not comparable"
    meaning = "The figures asked for differ in period, are several, or are missing; a comparison would claim too much."


class IdempotencyKeyReused(Problem):
    """The key was used with another body."""

    status, slug, title = 422, "idempotency-key-reused", "Idempotency-Key reused"
    meaning = "The same Idempotency-Key came before with another body; a new publication needs a new key."


class PreconditionRequired(Problem):
    """The revision of a source lacks If-Match."""

    status, slug, title = 428, "precondition-required", "Precondition required"
    meaning = "Revising a source needs If-Match with the ETag of the source as it was seen, so that no revision is lost."


class TooManyRequests(Problem):
    """The client or the token has reached its rate limit."""

    status, slug, title = 429, "too-many-requests", "Too many requests"
    meaning = "More requests than one client or token may send; Retry-After says when to try again."


class HeadersTooLarge(Problem):
    """The headers are larger than the limit."""

    status, slug, title = 431, "headers-too-large", "Request header fields too large"
    meaning = "The headers of the request are larger than what is accepted; `/v1/limits` has the limits."


class InternalError(Problem):
    """An unexpected error in the service."""

    status, slug, title = 500, "internal-error", "Internal error"
    meaning = "The service failed. Nothing was changed; the fault was logged on the server."


class NotImplementedHere(Problem):
    """A part of a standard that the service does not implement."""

    status, slug, title = 501, "not-implemented", "Not implemented"
    meaning = "The service does not implement this part of the standard; `detail` names the alternative."


class Unavailable(Problem):
    """The service or its database is temporarily unavailable."""

    status, slug, title = 503, "unavailable", "Service unavailable"
    meaning = "The service cannot answer at the moment; Retry-After says when to try again."


class InsufficientStorage(Problem):
    """The disk is full."""

    status, slug, title = 507, "insufficient-storage", "Insufficient storage"
    meaning = "There is no room left to store this. Nothing was changed."


class DocumentFaulty(Problem):
    """A submitted document breaks the document format."""

    status, slug, title = 422, "document-faulty", "Faulty document"
    meaning = "The document breaks the format regional-indicators/1; `errors` lists every fault with line and column."


class DocumentMalformed(DocumentFaulty):
    """A submitted document is not strict YAML or JSON."""

    status, slug, title = 400, "document-malformed", "Malformed document"
    meaning = "The document is not YAML or JSON as strict as the format requires; `errors` has places and reasons."


PROBLEMS: tuple[type[Problem], ...] = (
    BadRequest,
    DocumentMalformed,
    IdempotencyKeyMissing,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    InFlight,
    NotComparable,
    PreconditionFailed,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    MisdirectedRequest,
    DocumentFaulty,
    IdempotencyKeyReused,
    InvalidParameters,
    PreconditionRequired,
    TooManyRequests,
    HeadersTooLarge,
    InternalError,
    NotImplementedHere,
    Unavailable,
    InsufficientStorage,
)
"""All problem types, in the order of status."""


class TimeLimitPassed(Exception):  # noqa: N818  a condition, not a bug
    """A read was stopped at its time limit."""


class Refusal(Exception):  # noqa: N818  an expected outcome, not a bug
    """A command cannot be carried out; the message is one line for its user."""
