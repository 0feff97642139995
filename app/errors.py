"""Problem details (RFC 9457): every error an HTTP client can meet is a class that knows its status, title and slug.

Pure: knows no framework and no database. ``PROBLEMS`` is the list that ``/problems/{slug}`` and OpenAPI read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import ClassVar

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

    def document(self) -> dict[str, object]:
        """The fault as a member of a problem's ``errors``; absent parts are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option most like ``word``, or None when nothing is near."""
    found = get_close_matches(word[:100], list(options), n=1, cutoff=0.6)
    return found[0] if found else None


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


class InvalidParameters(Problem):
    """Query, path or header parameters that are unknown, repeated, malformed or out of range."""

    status, slug, title = 422, "invalid-parameters", "Invalid parameters"
    meaning = "One or more parameters are unknown, repeated, malformed or out of range; `errors` lists all of them."


class NotComparable(Problem):
    """Figures that would have to be compared do not agree in period, or are missing."""

    status, slug, title = 409, "not-comparable", "Not comparable"
    meaning = "The figures asked for differ in period, are several, or are missing; a comparison would claim too much."


class InternalError(Problem):
    """A fault of ours."""

    status, slug, title = 500, "internal-error", "Internal error"
    meaning = "The service failed. Nothing was changed; the fault was logged on the server."


class Unavailable(Problem):
    """The database cannot be used at the moment."""

    status, slug, title = 503, "unavailable", "Service unavailable"
    meaning = "The service cannot answer at the moment; Retry-After says when to try again."


class DocumentFaulty(Problem):
    """A submitted document breaks the document format."""

    status, slug, title = 422, "document-faulty", "Faulty document"
    meaning = "The document breaks the format regional-indicators/1; `errors` lists every fault with line and column."


PROBLEMS: tuple[type[Problem], ...] = (
    BadRequest,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    NotComparable,
    InvalidParameters,
    DocumentFaulty,
    InternalError,
    Unavailable,
)
"""Every problem type, in the order of status."""


class TimeLimitPassed(Exception):  # noqa: N818  it says what happened
    """A read was stopped because it took too long."""


class Refusal(Exception):  # noqa: N818  it is not a bug of the program but its answer
    """A command cannot be carried out; the message is one line for the person who gave it."""
