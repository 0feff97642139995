"""Small documents to publish in tests, as data that tests may change before they are written out."""

import json
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
