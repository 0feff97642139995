"""Addresses as they should have been sent."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.urls import LONGEST, encoded_address


@pytest.mark.parametrize(
    ("raw", "encoded"),
    [
        ("/v1/zones?q=徐汇".encode(), "/v1/zones?q=%E5%BE%90%E6%B1%87"),
        ("/v1/zones?q=徐汇".encode("gbk"), "/v1/zones?q=%D0%EC%BB%E3"),
        (b"/v1/zones?q=a%20b&region=310104,310000", "/v1/zones?q=a%20b&region=310104,310000"),
        (b"/a b\r\nX: \x00\x7f", "/a%20b%0D%0AX:%20%00%7F"),
        (b"", ""),
    ],
)
def test_what_is_not_printable_is_encoded(raw: bytes, encoded: str) -> None:
    assert encoded_address(raw) == encoded


@given(st.binary(max_size=100))
def test_the_address_is_ascii_and_means_the_same(raw: bytes) -> None:
    encoded = encoded_address(raw)
    assert all("!" <= character <= "~" for character in encoded)
    assert unquote_to_bytes(encoded) == unquote_to_bytes(raw)


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 100_000])
def test_its_length_is_bounded(length: int) -> None:
    encoded = encoded_address(b"\xff" * length)
    assert len(encoded) == 3 * min(length, LONGEST) + (length > LONGEST)
