"""What the parser accepts, and that it reports every fault at once with its place and the nearest right thing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import DocumentFaulty, Fault
from app.publishing.known import Known
from app.publishing.parse import declared_by, parse
from tests.conftest import SEED
from tests.documents import Data, article, vocabulary, written

KNOWN = declared_by(parse(written(vocabulary()), Known()))


def faults(content: bytes, known: Known = KNOWN) -> list[Fault]:
    """The faults of a document; none when it is accepted."""
    try:
        parse(content, known)
    except DocumentFaulty as error:
        return list(error.errors)
    return []


def test_the_small_documents_are_right() -> None:
    assert faults(written(vocabulary()), Known()) == []
    assert faults(written(article())) == []


def test_yaml_and_json_are_one_format() -> None:
    known = Known()
    for path in SEED:
        document = parse(path.read_bytes(), known)
        again = parse(document.model_dump_json(exclude_none=True).encode(), known)
        assert again == document
        declared = declared_by(document)
        known = Known(known.entities | declared.entities, known.indicators | declared.indicators)


def observation(**changes: Any) -> Callable[[Data], None]:
    """A change of the first observation; None takes a key away."""

    def change(data: Data) -> None:
        found = data["observations"][0]
        for key, value in changes.items():
            found.pop(key) if value is None else found.update({key: value})

    return change


def at(path: str, value: Any) -> Callable[[Data], None]:
    """A change of what stands at ``path``; None takes it away."""

    def change(data: Data) -> None:
        found: Any = data
        *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        for step in steps:
            found = found[step]
        if value is None:
            del found[last]
        else:
            found[last] = value

    return change


SCOPE = {"en": "a", "zh": "b", "region": "990101"}
RANK = {"place": 3, "of": 2, "scope": {"en": "a", "zh": "b"}}

FAULTY: list[tuple[Callable[[Data], None], str, str, str | None]] = [
    (at("format", "regional-indicators/2"), "/format", "literal_error", "regional-indicators/1"),
    (at("source/titel", "x"), "/source/titel", "unknown_key", "title"),
    (at("observation", []), "/observation", "unknown_key", "observations"),
    (at("source/title", None), "/source", "missing", None),
    (at("source/type", "artikle"), "/source/type", "literal_error", "article"),
    (at("source/published_on", "2024-02-30"), "/source/published_on", "value_error", None),
    (at("source/sha256", None), "/source", "missing", None),
    (at("source/published_on", None), "/source", "missing", None),
    (at("source/speakers/0/cite/line", 0), "/source/speakers/0/cite/line", "greater_than_equal", None),
    (at("clusters/0/region", "990109"), "/clusters/0/region", "unknown_reference", "990100"),
    (at("clusters/0/region", "acme"), "/clusters/0/region", "wrong_kind", None),
    (at("clusters/0/parent", "any-chips"), "/clusters/0/parent", "circular", None),
    (at("clusters/0/cite", None), "/clusters/0", "missing", None),
    (at("clusters/0/id", "990100"), "/clusters/0/id", "redefined", None),
    (at("clusters/0/id", "Chips"), "/clusters/0/id", "string_pattern_mismatch", None),
    (at("clusters/0/name/en", " x"), "/clusters/0/name/en", "value_error", None),
    (at("clusters/0/name/en", "a\nb"), "/clusters/0/name/en", "value_error", None),
    (at("clusters/0/name/en", "e\u0301"), "/clusters/0/name/en", "value_error", None),
    (at("organisations/0/id", "any-chips"), "/organisations/0/id", "duplicate", None),
    (observation(indicator="company"), "/observations/0/indicator", "unknown_reference", "companies"),
    (observation(subject="any-chip"), "/observations/0/subject", "unknown_reference", "any-chips"),
    (observation(value="300"), "/observations/0/value", "float_type", None),
    (observation(value=True), "/observations/0/value", "float_type", None),
    (observation(value=2**53), "/observations/0/value", "less_than_equal", None),
    (observation(value=None), "/observations/0", "no_claim", None),
    (observation(hedge="nearl"), "/observations/0/hedge", "value_error", "nearly"),
    (observation(hedge="超"), "/observations/0/hedge", "uncited_hedge", None),
    (observation(comparator=">"), "/observations/0/comparator", "contradicts_hedge", "<"),
    (observation(unit="CNY"), "/observations/0/unit", "wrong_unit", "{company}"),
    (observation(nature="planed"), "/observations/0/nature", "literal_error", "planned"),
    (observation(rank=RANK), "/observations/0/rank/place", "rank", None),
    (observation(rank={"scope": {"en": "a", "zh": "b"}}), "/observations/0/rank", "rank", None),
    (observation(rank={"place": 1, "scope": SCOPE}), "/observations/0/rank/scope/region", "unknown_reference", "990100"),
    (observation(key="district-companies"), "/observations/1/key", "duplicate", None),
    (observation(cite={"line": 2, "text": "近300家", "speaker": "somone"}), "/observations/0/cite/speaker", "unknown_reference",
     "someone"),
    (at("observations/1/period/end", "2022-12-31"), "/observations/1/period/end", "period", None),
    (at("observations/1/period/end", None), "/observations/1/period", "period", None),
    (at("relations/0/predicate", "part_of"), "/relations/0/object", "wrong_kind", None),
    (at("relations/0/object", "acme"), "/relations/0/object", "wrong_kind", None),
    (at("designations/0/key", "chip-companies"), "/designations/0/key", "duplicate", None),
    (at("source/published_time", "24:01"), "/source/published_time", "value_error", None),
    (at("source/published_time", "9:30"), "/source/published_time", "string_pattern_mismatch", None),
    (at("clusters/0/since", "2024-13"), "/clusters/0/since", "value_error", None),
    (at("clusters/0/since", "2023-02-29"), "/clusters/0/since", "value_error", None),
    (at("clusters/0/since", "\u0662\u0660\u0662\u0664"), "/clusters/0/since", "string_pattern_mismatch", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer", "code", "suggestion"),
    FAULTY,
    ids=lambda value: getattr(value, "__qualname__", str(value)).partition(".")[0],
)
def test_each_fault_is_named_with_its_place(
    change: Callable[[Data], None], pointer: str, code: str, suggestion: str | None
) -> None:
    data = article()
    change(data)
    content = written(data)
    found = {(fault.pointer, fault.code): fault for fault in faults(content)}
    assert (pointer, code) in found
    fault = found[pointer, code]
    assert fault.suggestion == suggestion
    assert fault.line is not None
    assert fault.column is not None
    assert fault.line <= len(content.splitlines())


def test_all_faults_are_reported_at_once_in_the_order_of_lines() -> None:
    data = article()
    for change, _, _, _ in (FAULTY[1], FAULTY[9], FAULTY[19], FAULTY[21], FAULTY[25]):
        change(data)
    found = faults(written(data))
    assert {fault.code for fault in found} >= {"unknown_key", "unknown_reference", "float_type", "value_error"}
    assert len(found) == 5
    assert [fault.line for fault in found] == sorted(fault.line or 0 for fault in found)


def test_line_and_column_are_those_of_the_value() -> None:
    content = b"format: regional-indicators/1\nsource:\n  id: x\n  type: artikle\n"
    (fault,) = [fault for fault in faults(content) if fault.pointer == "/source/type"]
    assert (fault.line, fault.column) == (4, 9)


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (b"", 1, "empty"),
        (b"format: [", 2, "not YAML"),
        (b"a: 1\nb: \xff", 2, "UTF-8"),
        (b"a: &x 1", 1, "anchor"),
        (b"a: *x", 1, "alias"),
        (b"a: !!python/object:os.system x", 1, "tag"),
        (b"a: 1\na: 2", 2, "second time"),
        (b"1: 2", 1, "not text"),
        (b"a: " + b"9" * 5000, 1, "more than"),
        (b"[" * 3000, 1, "nested deeper"),
        (b"a: 1\n---\nb: 2", 3, "one document"),
        (b'{"a": "\\ud83d"}', 1, "not YAML"),
        (b"a: \x00", 1, "not YAML"),
    ],
)
def test_what_is_not_strict_yaml(content: bytes, line: int, part: str) -> None:
    found = [fault for fault in faults(content) if fault.code == "syntax"]
    assert any(part in fault.message and fault.line == line for fault in found), found


def test_json_escapes_are_read() -> None:
    data = article()
    data["clusters"][0]["name"]["en"] = "Chips 😀"
    assert parse(json.dumps(data).encode(), KNOWN).clusters[0].name.en == "Chips 😀"


@pytest.mark.parametrize("word", ["no", "on", "2024-03-29", "12:30", "0o17", "1_000", "0x1F"])
def test_words_that_other_yaml_readers_convert_stay_text(word: str) -> None:
    content = written(article()).replace(b'"Chips"', word.encode())
    assert parse(content, KNOWN).clusters[0].name.en == word


def test_an_unquoted_code_is_explained() -> None:
    content = written(article()).replace(b'"region": "990100"', b'"region": 990100')
    (fault,) = faults(content)
    assert fault.suggestion == "'990100'"


def test_a_vocabulary_states_nothing() -> None:
    data = vocabulary()
    data["observations"] = article()["observations"][1:]
    del data["observations"][0]["period"]
    assert {fault.code for fault in faults(written(data), Known())} == {"vocabulary"}


ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["companies", "any-chips", "近"])
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_change_of_a_document_raises_anything_else(data: st.DataObject) -> None:
    """Wherever something else is put into a document, the parser accepts it or says what is wrong."""
    document = article()
    found: Any = document
    while True:
        keys = list(found) if isinstance(found, dict) else list(range(len(found)))
        key = data.draw(st.sampled_from(keys))
        deeper = found[key]
        if not isinstance(deeper, dict | list) or not deeper or data.draw(st.booleans()):
            break
        found = deeper
    found[key] = data.draw(
        st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2))
    )
    faults(json.dumps(document).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    assert faults(content)


LINES = (
    "source/title", "source/title_translated/en", "source/publisher/zh", "source/speakers/0/name/en", "clusters/0/name/zh",
    "observations/0/cite/text", "observations/1/period/label", "designations/0/title/en",
)  # fmt: skip


@pytest.mark.parametrize("path", LINES)
@pytest.mark.parametrize(
    "character", ["\x07", "\x7f", "\u0085", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u2028", "\u00ad"]
)
def test_characters_that_are_not_seen_are_refused(path: str, character: str) -> None:
    data = article()
    at(path, f"a{character}b")(data)
    (fault,) = faults(json.dumps(data).encode())  # as escapes, which are read before anything is looked at
    assert fault.pointer == f"/{path}"
    assert "not seen" in fault.message


@pytest.mark.parametrize("path", LINES)
def test_joiners_are_spelling(path: str) -> None:
    data = article()
    at(path, "می\u200cخواهم")(data)
    assert faults(written(data)) == []
