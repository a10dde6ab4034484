import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.dialects.inline import inline, standard_base64


@given(st.binary(max_size=64))
def test_either_alphabet_with_padding_or_without_is_made_standard(data: bytes) -> None:
    standard, url_safe = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    for written in (standard, url_safe, standard.rstrip("="), url_safe.rstrip("=")):
        assert standard_base64(written) == standard


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("data:image/png;base64,_-8", ("image/png", "/+8=")),
        ("DATA:image/png;charset=x; BASE64 ,AAAA", ("image/png", "AAAA")),
        ("data:;base64,AAAA", (None, "AAAA")),
        ("data:image/png;base64,", ("image/png", "")),
        ("data:image/png,AAAA", None),
        ("data:base64,AAAA", None),
        ("data:image/png;base64;x=y,AAAA", None),
        ("data:image/png;base64", None),
        ("https://images.example/a.png", None),
        ("data", None),
        ("", None),
    ],
)
def test_what_is_inline_is_told_from_what_is_elsewhere(url: str, found: tuple[str | None, str] | None) -> None:
    assert inline(url) == found
