"""Types of query parameters: stricter in notation than pydantic's own, and bounded."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from app.db.types import LARGEST_WHOLE
from app.domain.tokenizer import forbidden, query_tokens

MAX_LIMIT = 1000
MAX_FILTER_VALUES = 200
MAX_QUERY_LENGTH = 200

WHOLE = r"0|[1-9][0-9]*"
NUMBER = rf"-?({WHOLE})(\.[0-9]+)?([eE][+-]?[0-9]+)?"
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"


def _notation(pattern: str, expected: str) -> BeforeValidator:
    """Return a validator of notation: pydantic accepts ``1_0``, ``+10`` and ``yes``."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError(f"Expected {expected}")
        return value

    return BeforeValidator(check)


def _comma_separated(*, strip: bool, most: int | None = None) -> BeforeValidator:
    """Return a validator that splits at commas, and counts before values are read."""

    def split(value: object) -> object:
        if not isinstance(value, list):
            return value
        parts = [part.strip() if strip else part for text in value for part in str(text).split(",") if part.strip()]
        if value and not 0 < len(parts) <= (most or len(parts)):
            raise ValueError("Expected at least one value" if not parts else f"Expected at most {most} values")
        return parts

    return BeforeValidator(split)


def _day(value: object) -> object:
    """Return a day of ISO 8601; pydantic would accept seconds, Python other forms."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("Expected a day of the calendar as YYYY-MM-DD")


def _as_of(value: object) -> object:
    """Return a revision number, the end of a UTC day, or a moment (UTC by default)."""
    if not isinstance(value, str):
        return value
    text = re.sub(r" (?=[0-9]{2}:?[0-9]{2}$)", "+", value)  # an unencoded plus in a query decodes to a space
    if re.fullmatch("0|[1-9][0-9]{0,8}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text if re.fullmatch(MOMENT, text) else "")
    except ValueError:
        raise ValueError("Expected a revision's number, a day as YYYY-MM-DD, or a date-time as of RFC 3339") from None
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999999)
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError("Expected a moment that lies, in UTC, in the years 1 to 9999") from None


def _searchable(value: str) -> str:
    """Return the text if it can be searched for, else raise ValueError."""
    if forbidden(value):
        raise ValueError("Expected text without control characters, or others that are not seen")
    if not query_tokens(value):
        raise ValueError("Expected at least one letter or digit")
    return value


def _all_or_number(value: object, number: ValidatorFunctionWrapHandler) -> int | None:
    return None if value == "all" else number(value)


Choice = TypeVar("Choice")
Comma = _comma_separated(strip=True)
"""Validator of list parameters, which are repeatable and comma-separated."""

Integer = Annotated[int, _notation(f"-?({WHOLE})", "a whole number in plain digits")]
Flag = Annotated[bool, _notation("true|false", "`true` or `false`")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY_LENGTH), AfterValidator(_searchable)]
"""Search text."""
Day = Annotated[date, BeforeValidator(_day)]
Ids = Annotated[list[Code] | None, Comma, Field(max_length=MAX_FILTER_VALUES)]
Choices = Annotated[list[Choice] | None, Comma, Field(max_length=MAX_FILTER_VALUES)]
"""Values of a closed vocabulary, which is a Literal type: ``Some[Nature]``."""
Places = Annotated[
    list[Annotated[Integer, Field(ge=1, le=LARGEST_WHOLE)]] | None,
    _comma_separated(strip=False, most=MAX_FILTER_VALUES),
    Field(max_length=MAX_FILTER_VALUES),
]
Limit = Annotated[
    Integer | None,
    Field(ge=1, le=MAX_LIMIT),
    WrapValidator(_all_or_number),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, {"type": "string", "enum": ["all"]}]}),
]
"""Rows per page; None for all."""
ROWS = "Rows per page; `all` for the whole list, in formats that are written row by row."
AsOf = Annotated[int | datetime | None, BeforeValidator(_as_of), WithJsonSchema({"type": "string"})]
AS_OF = "Facts as known at this point: a revision number, a day (its end, in UTC), or a date-time."
Amount = Annotated[float | None, Field(allow_inf_nan=False), _notation(NUMBER, "a number such as 12, -0.5 or 1e6")]
