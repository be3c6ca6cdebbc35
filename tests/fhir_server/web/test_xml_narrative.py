from __future__ import annotations

import pytest

from fhir_server.web.xml_narrative import divs_in, embeddable, has_doctype, stands_alone

XMLNS = b'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.mark.parametrize(
    ("body", "divs"),
    [
        (b"<text><div>a</div></text>", [b"<div>a</div>"]),
        (b"<a><div/><div /></a>", [b"<div/>", b"<div />"]),
        (
            b"<a><div><div>in</div><div/></div><div>2</div></a>",
            [b"<div><div>in</div><div/></div>", b"<div>2</div>"],
        ),
        (b"<a><h:div>a</h:div ></a>", [b"<h:div>a</h:div >"]),
        (b"<a><!-- <div> --><![CDATA[<div>]]><?x <div>?><div>a</div></a>", [b"<div>a</div>"]),
        (b"<div><!-- </div> --><![CDATA[</div>]]></div>", [b"<div><!-- </div> --><![CDATA[</div>]]></div>"]),
        (b"<div title='>\"/' alt=\"/>'\">a</div>", [b"<div title='>\"/' alt=\"/>'\">a</div>"]),
        (b"<divide/><a divx='1'/>", []),
        (b"<div><p>no end", []),
        (b"</div><div>a</div>", [b"<div>a</div>"]),
    ],
)
def test_the_outermost_divs_are_cut_out_as_they_are_written(body: bytes, divs: list[bytes]) -> None:
    assert list(divs_in(body)) == divs


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", [b"<!--", b"<![CDATA[", b"<?", b"<div ", b"<div a='", b"<div>", b"</div", b"<a:"]
)
def test_hostile_text_is_cut_in_linear_time(piece: bytes) -> None:
    body = b"<div>" + piece * 300_000

    assert list(divs_in(body)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!DOCTYPE a><a/>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><?b c?>\n<!DOCTYPE a><a/>", True),
        (b"<a/>", False),
        (b"<!-- <!DOCTYPE a> --><a/>", False),
        (b"<a><![CDATA[<!DOCTYPE a>]]></a>", False),
        (b"<!-- never closed <!DOCTYPE a>", False),
    ],
)
def test_a_document_type_is_seen_where_one_may_stand(body: bytes, expected: bool) -> None:
    assert has_doctype(body) is expected


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        (b"<div " + XMLNS + b"><p>a</p></div>", True),
        (b"<div>no namespace</div>", False),
        (b'<h:div xmlns:h="http://www.w3.org/1999/xhtml"/>', True),
        (b"<h:div/>", False),
        (b"<div " + XMLNS + b"><h:p/></div>", False),
        (b"<p " + XMLNS + b"/>", False),
        (b"", False),
    ],
)
def test_a_div_stands_alone_when_it_declares_its_namespaces(div: bytes, expected: bool) -> None:
    assert stands_alone(div) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml">&quot;a&quot;<br />&#233;<!-- b --></div>', None),
        ("<div xmlns='http://www.w3.org/1999/xhtml'/>", None),
        ("<h:div xmlns:h='http://www.w3.org/1999/xhtml'/>", None),
        (
            '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;&eacute;&amp;&lt;</div>',
            '<div xmlns="http://www.w3.org/1999/xhtml">a\xa0é&amp;&lt;</div>',
        ),
        (
            '<div xmlns="http://www.w3.org/1999/xhtml"><![CDATA[&nbsp;]]></div>',
            '<div xmlns="http://www.w3.org/1999/xhtml"><![CDATA[&nbsp;]]></div>',
        ),
        ("<div><p>a</p></div>", '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>'),
        (
            '<?xml version="1.0"?>\n<!-- a --><div xmlns="http://www.w3.org/1999/xhtml">b</div>\n',
            '<div xmlns="http://www.w3.org/1999/xhtml">b</div>',
        ),
    ],
)
def test_a_narrative_goes_into_xml_as_it_is_written(text: str, expected: str | None) -> None:
    assert embeddable(text) == (expected or text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "<div>",
        "<p xmlns='http://www.w3.org/1999/xhtml'/>",
        "<div xmlns='urn:other'/>",
        "<div xmlns=''/>",
        "<div/><div/>",
        "<div>&unknown;</div>",
        "<div>\x01</div>",
        "<div>\ud800</div>",
        "<!DOCTYPE div [<!ENTITY a 'b'>]><div>&a;</div>",
        "<div>" * 3000 + "</div>" * 3000,
    ],
)
def test_what_is_not_one_well_formed_div_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"div|XHTML"):
        embeddable(text)
