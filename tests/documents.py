"""Small documents to publish in tests, as data that tests may change before they are written out."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Data = dict[str, Any]

VOCABULARY: Data = {
    "format": "regional-indicators/1",
    "source": {
        "id": "words",
        "type": "vocabulary",
        "title": "Words",
        "title_translated": {"en": "Words", "zh": "词表"},
        "publisher": {"en": "Us", "zh": "我们"},
        "language": "en",
    },
    "regions": [
        {"id": "990000", "scheme": "gbt2260", "type": "city", "name": {"en": "Anytown", "zh": "某市"}, "name_basis": "official"},
        {
            "id": "990100",
            "scheme": "gbt2260",
            "type": "district",
            "name": {"en": "Any District", "zh": "某区"},
            "name_basis": "official",
            "parent": "990000",
        },
    ],
    "indicators": [
        {
            "id": "companies",
            "name": {"en": "Companies", "zh": "企业数"},
            "definition": {"en": "Companies of the subject.", "zh": "主体的企业。"},
            "topic": "industry",
            "unit": "{company}",
            "unit_system": "ucum",
            "unit_name": {"en": "companies", "zh": "家"},
        }
    ],
}

ARTICLE: Data = {
    "format": "regional-indicators/1",
    "source": {
        "id": "news",
        "type": "article",
        "title": "新闻",
        "title_translated": {"en": "News", "zh": "新闻"},
        "publisher": {"en": "The News", "zh": "新闻社"},
        "published_on": "2024-03-29",
        "language": "zh",
        "sha256": "0" * 64,
        "speakers": [
            {
                "id": "someone",
                "name": {"en": "Some One", "zh": "某人"},
                "office": {"en": "mayor", "zh": "市长"},
                "cite": {"line": 1, "text": "某人"},
            }
        ],
    },
    "clusters": [
        {
            "id": "any-chips",
            "type": "pillar",
            "name": {"en": "Chips", "zh": "芯片"},
            "name_basis": "literal",
            "region": "990100",
            "cite": {"line": 2, "text": "芯片"},
        }
    ],
    "organisations": [
        {
            "id": "acme",
            "type": "company",
            "name": {"en": "Acme", "zh": "某公司"},
            "name_basis": "common",
            "cite": {"line": 2, "text": "某公司"},
        }
    ],
    "observations": [
        {
            "key": "chip-companies",
            "indicator": "companies",
            "subject": "any-chips",
            "value": 300,
            "hedge": "近",
            "cite": {"line": 2, "text": "近300家", "speaker": "someone"},
        },
        {
            "key": "district-companies",
            "indicator": "companies",
            "subject": "990100",
            "value": 4000,
            "period": {"label": "去年", "basis": "derived", "start": "2023-01-01", "end": "2023-12-31"},
            "cite": {"line": 3, "text": "4000家"},
        },
    ],
    "relations": [
        {"subject": "acme", "predicate": "member_of", "object": "any-chips", "cite": {"line": 2, "text": "某公司"}},
    ],
    "designations": [
        {
            "key": "pilot",
            "subject": "990100",
            "title": {"en": "Pilot district", "zh": "试点区"},
            "level": "national",
            "cite": {"line": 4, "text": "试点区"},
        }
    ],
}


def vocabulary() -> Data:
    """A vocabulary of its own to change."""
    return deepcopy(VOCABULARY)


def article() -> Data:
    """An article of its own to change."""
    return deepcopy(ARTICLE)


def written(data: Data) -> bytes:
    """The document as it is submitted."""
    return json.dumps(data, ensure_ascii=False, indent=2).encode()


def other() -> Data:
    """Another article, about what the first one and the vocabulary declare."""
    data = article()
    data["source"]["id"] = "other"
    for name in ("clusters", "organisations", "relations", "designations"):
        del data[name]
    data["observations"][0] |= {"value": 0.1 + 0.2, "hedge": None, "cite": {"line": 2, "text": "0.3家"}}
    return data


def renamed(data: Data, part: str) -> Data:
    """The document with another name for what it declares first."""
    data[part][0]["name"] = {"en": f"Other {part}", "zh": f"别的{part}"}
    return data


def dated(data: Data) -> Data:
    """The document, published on another day."""
    data["source"]["published_on"] = "2024-04-01"
    return data


def without(data: Data, part: str) -> Data:
    """The document without its first row of some kind."""
    data[part] = data[part][1:]
    return data


def topical(data: Data) -> Data:
    """The vocabulary with its indicator under another topic: no statement says the topic."""
    data["indicators"][0]["topic"] = "economy"
    return data


def measured(data: Data) -> Data:
    """The vocabulary with another name for its unit, which statements say."""
    data["indicators"][0]["unit_name"] = {"en": "firms", "zh": "户"}
    return data


def moved(data: Data) -> Data:
    """The article with its cluster in another region."""
    data["clusters"][0]["region"] = "990000"
    return data


STEPS: dict[str, Callable[[], Data]] = {
    "another source": other,
    "a region renamed": lambda: renamed(vocabulary(), "regions"),
    "an indicator renamed": lambda: renamed(vocabulary(), "indicators"),
    "another topic": lambda: topical(vocabulary()),
    "another unit": lambda: measured(vocabulary()),
    "a subject renamed": lambda: renamed(article(), "clusters"),
    "a subject of another region": lambda: moved(article()),
    "a source of another day": lambda: dated(article()),
    "one fact less": lambda: without(article(), "observations"),
    "and back": article,
}
"""Documents to publish one after the other, each by what it changes."""
