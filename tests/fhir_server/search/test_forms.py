"""https://url.spec.whatwg.org/#application/x-www-form-urlencoded"""

from __future__ import annotations

from urllib.parse import quote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.search.forms import encoded, pairs


@given(st.text(), st.integers(1, 50))
def test_a_text_is_written_in_ascii_and_comes_back(text: str, times: int) -> None:
    text = text.replace("\x00", "") * times

    assert encoded(text) == quote(text, safe="/:,$-._~!*'()")
    assert list(pairs(f"a={encoded(text)}")) == [("a", text)]


@given(st.text(st.sampled_from("aé %+C3A9=")))
def test_what_a_browser_writes_is_read_as_the_standard_reads_it(text: str) -> None:
    try:
        wanted = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(Malformed):
            list(pairs(f"a={text}"))
    else:
        assert list(pairs(f"a={text}")) == [("a", wanted)]


@pytest.mark.parametrize("text", ["a=\ud800", "a=%ED%A0%80", "a=%FF", "a=\x00", "a=%00"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        list(pairs(text))
