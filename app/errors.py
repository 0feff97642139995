"""Problem details (RFC 9457): every error an HTTP client can meet is a class that knows its status, title and slug.

Pure: knows no framework and no database. ``PROBLEMS`` is the list that ``/problems/{slug}`` and OpenAPI read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from rapidfuzz import fuzz, process

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an input.

    Attributes:
        message: What is wrong and what was expected; never internals.
        code: A stable machine-readable word.
        parameter: The query, path or header parameter at fault, or None.
        pointer: The JSON pointer (RFC 6901) into the submitted document, or None.
        allowed: The values that would have been right, where they can be listed.
        suggestion: The nearest right value.
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
        """The fault in one line: where, what, and the right thing."""
        place = self.parameter or self.pointer
        said = f"{place}: {self.message}" if place else self.message
        if self.suggestion is not None:
            return f"{said.removesuffix('.')}; did you mean {self.suggestion}?"
        if self.allowed:
            return f"{said.removesuffix('.')}; expected one of {', '.join(self.allowed)}"
        return said

    def document(self) -> dict[str, object]:
        """The fault as a member of a problem's ``errors``; absent parts are left out."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


MOST_FAULTS = 20
"""Faults that one answer lists; a longer list helps nobody, and costs more than the request did."""
MOST_OPTIONS = 5000
"""Options that are compared with a wrong value: about 1 ms."""
LIKENESS = 60
"""Percent of a word that must agree with an option for it to be suggested."""


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option most like ``word``, or None when nothing is near."""
    found = process.extractOne(
        word[:100], islice(options, MOST_OPTIONS), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=LIKENESS
    )
    return None if found is None else found[0]


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """An error that a client can be told about; subclasses say which."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]

    def __init__(self, detail: str, errors: Iterable[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        """``detail`` explains this occurrence; ``errors`` lists the faults; ``headers`` go into the response."""
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self, instance: str) -> dict[str, object]:
        """The problem document of RFC 9457 for the request path ``instance``."""
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
    meaning = "The request could not be read: its bytes are not what HTTP or UTF-8 allow."


class IdempotencyKeyMissing(Problem):
    """A publication without the key under which it can be repeated."""

    status, slug, title = 400, "idempotency-key-missing", "Idempotency-Key missing"
    meaning = "A publication needs the header Idempotency-Key, so that it can be sent again when its answer is lost."


class Unauthorized(Problem):
    """No token, or none that is valid."""

    status, slug, title = 401, "unauthorized", "Unauthorized"
    meaning = "This address needs a valid token in the header Authorization, as `Bearer`; reading needs none."


class Forbidden(Problem):
    """The token does not have the scope."""

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
    """A request with this key is being worked on."""

    status, slug, title = 409, "in-flight", "In flight"
    meaning = "A request with the same Idempotency-Key is being worked on; ask again for its receipt."


class PreconditionFailed(Problem):
    """The source is not any more as the client saw it."""

    status, slug, title = 412, "precondition-failed", "Precondition failed"
    meaning = "The source was revised since the version that If-Match names; get it again and look at what changed."


class PayloadTooLarge(Problem):
    """The body is larger than what is accepted."""

    status, slug, title = 413, "payload-too-large", "Payload too large"
    meaning = "The body is larger than what is accepted; `/v1/limits` has the limits."


class UriTooLong(Problem):
    """The address is longer than what is accepted."""

    status, slug, title = 414, "uri-too-long", "URI too long"
    meaning = "The address of the request is longer than what is accepted; `/v1/limits` has the limits."


class UnsupportedMediaType(Problem):
    """The body is in no media type that is read here."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"
    meaning = "The body is in a media type or an encoding that is not read here; `allowed` lists those that are."


class RangeNotSatisfiable(Problem):
    """A file has none of the bytes that are asked for."""

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
    """Figures that would have to be compared do not agree in period, or are missing."""

    status, slug, title = 409, "not-comparable", "Not comparable"
    meaning = "The figures asked for differ in period, are several, or are missing; a comparison would claim too much."


class IdempotencyKeyReused(Problem):
    """The key was used for another body."""

    status, slug, title = 422, "idempotency-key-reused", "Idempotency-Key reused"
    meaning = "The same Idempotency-Key came before with another body; a new publication needs a new key."


class PreconditionRequired(Problem):
    """A revision must say which version it revises."""

    status, slug, title = 428, "precondition-required", "Precondition required"
    meaning = "Revising a source needs If-Match with the ETag of the source as it was seen, so that no revision is lost."


class TooManyRequests(Problem):
    """More requests than this client or token may send."""

    status, slug, title = 429, "too-many-requests", "Too many requests"
    meaning = "More requests than one client or token may send; Retry-After says when to go on."


class HeadersTooLarge(Problem):
    """The headers are larger than what is accepted."""

    status, slug, title = 431, "headers-too-large", "Request header fields too large"
    meaning = "The headers of the request are larger than what is accepted; `/v1/limits` has the limits."


class InternalError(Problem):
    """A fault of ours."""

    status, slug, title = 500, "internal-error", "Internal error"
    meaning = "The service failed. Nothing was changed; the fault was logged on the server."


class NotImplementedHere(Problem):
    """Something that a standard has and this service has not."""

    status, slug, title = 501, "not-implemented", "Not implemented"
    meaning = "The standard has this, and this service does not; `detail` says what there is instead."


class Unavailable(Problem):
    """The database cannot be used at the moment."""

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
    """A submitted document is not strict YAML or JSON at all."""

    status, slug, title = 400, "document-malformed", "Malformed document"
    meaning = "The document cannot be read as YAML or JSON as strict as the format wants it; `errors` says where and why."


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
"""Every problem type, in the order of status."""


class TimeLimitPassed(Exception):  # noqa: N818  it says what happened
    """A read was stopped because it took too long."""


class Refusal(Exception):  # noqa: N818  it is not a bug of the program but its answer
    """A command cannot be carried out; the message is one line for the person who gave it."""
