"""Conditional requests (RFC 9110, section 13): comparing entity tags and dates. Pure."""

import re
from datetime import UTC, datetime
from functools import lru_cache

_MEMBER = re.compile(r'[ \t,]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)')
"""An entity tag in a list, with the preceding separators."""
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The three forms of an HTTP date (RFC 9110, section 5.6.7)."""


def is_fresh(etag: str, last_modified: str | None, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Return whether the client's copy is current, so that the response is a 304.

    If-None-Match takes precedence (section 13.2.2). Tags are compared weakly: ``W/`` is ignored.
    A malformed tag or date matches nothing.
    """
    if if_none_match is not None:
        return names(if_none_match, etag)
    if if_modified_since is None or last_modified is None:
        return False
    since, modified = parse_http_date(if_modified_since), parse_http_date(last_modified)
    return since is not None and modified is not None and modified <= since


def names(field: str, etag: str) -> bool:
    """Return whether a field (If-Match, If-None-Match) lists ``etag`` or is ``*``."""
    return field == etag or field.strip(" \t") == "*" or etag in entity_tags(field)


def entity_tags(field: str) -> list[str]:
    """Return the entity tags of a list, without ``W/``, up to the first malformed one."""
    tags, place = [], 0
    while member := _MEMBER.match(field, place):
        tags.append(member[1])
        place = member.end()
    return tags


@lru_cache(maxsize=1024)
def parse_http_date(text: str) -> datetime | None:
    """Return the time of an HTTP date in any of its three forms, else None."""
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
