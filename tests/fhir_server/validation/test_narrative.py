from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.validation.narrative import is_narrative, wrong_with_narrative, wrong_with_tree

# Whatever a lexer may stumble over, to be put together at random.
PIECES = re.findall(
    r"\S.*",
    """
    <p>
    </p>
    <b class="x">
    </b>
    <br/>
    <p title="a > b">
    <a href="javascript:x">
    <a href="https://a.example/?a=1&amp;b=2">
    <a href="#a">
    </a>
    <!-- <p> a -->
    <![CDATA[ <p> ]]>
    <?php a ?>
    <script>
    </script>
    <p onclick="a">
    <p xmlns="urn:x">
    <p class="a" class="b">
    <p class='a'>
    <h:p>
    a
    &lt;
    &#32;
    &nbsp;
    &#0;
    ]]>
    \u00a0
    \ufffe
    >
    <
    </p
    """,
)


def div(content: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'


@pytest.mark.parametrize(
    "text",
    [
        div("Hello"),
        div("<p>a &lt; b &amp; c &quot;d&quot; &apos;e&apos; &#169; &#xA9; é</p>"),
        div("<table class='a'><tr><td colspan='2' style='x: y'>1</td></tr></table>"),
        div("<a href='#p1'>x</a><a name='b'>y</a><a href='https://example.org/?a=1&amp;b=2'>z</a>"),
        div("<!-- a remark -->text<br/>"),
        div("<img src='#image' alt='x'/>"),
        div("<p xml:lang='fr' lang='fr'>Bonjour</p>"),
        div("<![CDATA[a < b]]>"),
        div("&#160;"),
        "\n  <div xmlns='http://www.w3.org/1999/xhtml'>\n<b>x</b></div>\n",
    ],
)
def test_formatted_text_is_a_narrative(text: str) -> None:
    assert is_narrative(text)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("Hello", "value", "starts with <div"),
        ("", "value", "starts with <div"),
        ("<p xmlns='http://www.w3.org/1999/xhtml'>x</p>", "value", "starts with <div"),
        ("<divine xmlns='http://www.w3.org/1999/xhtml'>x</divine>", "value", "starts with <div"),
        ("<div>x</div>", "value", "namespace"),
        ("<div xmlns='http://www.w3.org/2000/svg'>x</div>", "value", "namespace"),
        (div("<p>x"), "value", "not well-formed"),
        (div("x") + "more", "value", "not well-formed"),
        (div("a&nbsp;b"), "value", "no entities but"),
        (div("a & b"), "value", "not well-formed"),
        (div("a\x00b"), "value", "not well-formed"),
        (div("<br>"), "value", "not well-formed"),
        (
            '<!DOCTYPE div [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + div("&a;"),
            "value",
            "starts with <div",
        ),
        (div("<script>x</script>"), "invariant", "txt-1"),
        (div("<SCRIPT>x</SCRIPT>"), "invariant", "txt-1"),
        (div("<iframe src='x'/>x"), "invariant", "txt-1"),
        (div("<form>x</form>"), "invariant", "txt-1"),
        (div("<object>x</object>"), "invariant", "txt-1"),
        (div("<svg xmlns='http://www.w3.org/2000/svg'>x</svg>"), "invariant", "txt-1"),
        (div("<?xml-stylesheet href='x'?>x"), "invariant", "txt-1"),
        (div("<p onclick='x()'>x</p>"), "invariant", "no events"),
        (div("<a href='javascript:x()'>x</a>"), "invariant", "no scripts"),
        (div("<a href=' java&#10;script:x()'>x</a>"), "invariant", "no scripts"),
        (div(""), "invariant", "txt-2"),
        (div(" \n\t"), "invariant", "txt-2"),
        (div("<p> </p><br/>"), "invariant", "txt-2"),
    ],
)
def test_what_is_not_formatted_text_is_refused_with_the_reason(text: str, code: str, words: str) -> None:
    assert not is_narrative(text)

    found = wrong_with_narrative(text)

    assert found[0] == code
    assert words in found[1]


def test_deep_nesting_and_many_elements_do_no_harm() -> None:
    assert not is_narrative(div("<b>" * 10_000 + "x" + "</b>" * 10_000))
    assert is_narrative(div("<b>x</b>" * 10_000))


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_what_is_plainly_right_is_right_to_the_parser_too(inside: str) -> None:
    text = f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'

    assert is_narrative(text) == (wrong_with_tree(text) is None)
