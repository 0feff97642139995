"""What the parser accepts, and that it reports every fault at once with its place and the nearest right thing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import MOST_FAULTS, DocumentFaulty, DocumentMalformed, Fault
from app.publishing.document import SECTIONS
from app.publishing.json_reader import JsonReader
from app.publishing.parse import declared_by, parse
from app.publishing.parts import MAX_PART
from app.publishing.vocabulary import Declarations
from tests.conftest import SEED
from tests.documents import Data, article, vocabulary, written

KNOWN = declared_by(parse(written(vocabulary()), Declarations()))


def faults(content: bytes, known: Declarations = KNOWN) -> list[Fault]:
    """The faults of a document; none when it is accepted."""
    try:
        parse(content, known)
    except DocumentFaulty as error:
        return list(error.errors)
    return []


def test_the_small_documents_are_right() -> None:
    assert faults(written(vocabulary()), Declarations()) == []
    assert faults(written(article())) == []


def test_yaml_and_json_are_one_format() -> None:
    known = Declarations()
    for path in SEED:
        document = parse(path.read_bytes(), known)
        again = parse(document.model_dump_json(exclude_none=True).encode(), known)
        assert again == document
        declared = declared_by(document)
        known = Declarations(known.entities | declared.entities, known.indicators | declared.indicators)


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


@pytest.mark.parametrize(
    "content", [b"format: [", b"a: \xff", b"a: &x 1", b"[" * 3000, b'{"a": 1, "a": 2}', b"a: " + b"9" * 5000, b""]
)
def test_what_is_not_understood_is_malformed_and_what_is_understood_is_faulty(content: bytes) -> None:
    with pytest.raises(DocumentMalformed):
        parse(content, KNOWN)
    for understood in (b"[1]", b"a: 1", b"1", b'{"format": "x"}'):
        with pytest.raises(DocumentFaulty) as refused:
            parse(understood, KNOWN)
        assert not isinstance(refused.value, DocumentMalformed)


def many(section: str, item: str, count: int = 100_000) -> bytes:
    """A document with an item that is wrong again and again."""
    return f'{{"{section}":[{",".join([item] * count)}]}}'.encode()


@pytest.mark.parametrize("section", ["observations", "regions", "x"])
@pytest.mark.parametrize("item", ["1", "{}", "[]", '{"key":"a"}', '{"a":1,"a":2}'])
def test_faults_stop_at_the_twentieth(section: str, item: str) -> None:
    found = faults(many(section, item))
    assert 1 <= len(found) <= MOST_FAULTS
    assert [fault.line for fault in found] == [1] * len(found)


def test_the_number_of_items_of_a_section_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in ("json_reader", "yaml_reader"):
        monkeypatch.setattr(f"app.publishing.{reader}.MAX_ITEMS", 2)
    for content in (written(vocabulary()), json.dumps(vocabulary()).encode() + b"# as YAML"):
        assert faults(content, Declarations()) == []
        more = content.replace(
            b'"regions": [',
            b'"regions": [' + json.dumps(vocabulary()["regions"][0]).encode().replace(b"990000", b"990001") + b",",
        )
        (fault,) = faults(more, Declarations())
        assert "regions has more than" in fault.message


@pytest.mark.parametrize("comment", [b"", b"# as YAML"])
def test_the_size_of_a_part_is_bounded(comment: bytes) -> None:
    data = vocabulary()
    names = [{"en": str(number), "zh": str(number)} for number in range(1000)]
    data["source"]["not_stated"] = names
    assert faults(written(data) + comment, Declarations()) == []
    data["source"]["title"] = "x" * MAX_PART
    (fault,) = faults(written(data) + comment, Declarations())
    assert f"a part of more than {MAX_PART} bytes" in fault.message


def test_the_source_may_stand_behind_its_facts() -> None:
    data = article()
    source = data.pop("source")
    assert parse(written({**data, "source": source}), KNOWN) == parse(written(article()), KNOWN)
    data["observations"][0]["cite"]["speaker"] = "somone"
    (fault,) = faults(written({**data, "source": source}))
    assert (fault.pointer, fault.suggestion) == ("/observations/0/cite/speaker", "someone")


def test_a_long_chain_of_parents_is_no_circle_and_a_long_circle_is_one() -> None:
    data = vocabulary()
    region = data["regions"][1]
    chain = [{**region, "id": str(number), "parent": str(number + 1)} for number in range(20_000)]
    data["regions"] = [*chain, {**region, "id": "20000", "parent": None}]
    assert faults(written(data), Declarations()) == []
    data["regions"] = [*chain, {**region, "id": "20000", "parent": "19995"}]
    pointers = [fault.pointer for fault in faults(written(data), Declarations())]
    assert pointers == [f"/regions/{number}/parent" for number in range(19_995, 20_001)]


def test_faults_that_need_the_whole_document_are_placed_in_yaml_too() -> None:
    data = article()
    head = {name: value for name, value in data.items() if name != "observations"}
    lines = ["", "observations:", "  -  key: a", "     indicator: compnies", "     subject: any-chips", "     value: 1"]
    text = "\n".join(f"{name}: {json.dumps(value)}" for name, value in head.items()) + "\n".join(
        [*lines, "     cite: {line: 1, text: x}"]
    )
    (fault,) = faults(text.encode())
    assert (fault.pointer, fault.line, fault.column) == ("/observations/0/indicator", len(head) + 3, 17)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    st.sampled_from([None, 1, "\t"]),
)
@settings(max_examples=200, deadline=None)
def test_json_is_read_as_python_reads_it(data: Any, indent: Any) -> None:
    """Whatever stands in a section, through windows of any size."""
    content = json.dumps({"a": data, "observations": [data, data], "b": []}, indent=indent, ensure_ascii=False).encode(
        errors="replace"
    )
    found: dict[str, Any] = {}
    for part in JsonReader(content, SECTIONS).parts():
        if len(part.path) == 1:
            found[str(part.path[0])] = part.value
        else:
            found[str(part.path[0])].append(part.value)
    assert found == json.loads(content)


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
    assert {fault.code for fault in faults(written(data), Declarations())} == {"vocabulary"}


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
    at(path, "近 می\u200cخواهم")(data)
    assert faults(written(data)) == []


@pytest.mark.parametrize("content", [b"{}", b"{ }", b"--- {}", b"# a comment\n{}\n"])
def test_an_object_without_members_misses_those_that_are_needed(content: bytes) -> None:
    with pytest.raises(DocumentFaulty) as raised:
        parse(content, None)
    assert [fault.message for fault in raised.value.errors] == ["format is missing", "source is missing"]
