"""The XHTML of a narrative, cut out of XML and put into XML character for character.

JSON has a narrative as a string. Parsing and serialising it again would change how it is written (`&quot;`, `<br />`,
comments), and a signature or a comparison would notice; so it is parsed only to be sure that it is well-formed.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.entities import name2codepoint

from lxml import etree

BOM = b"\xef\xbb\xbf"
XHTML = "http://www.w3.org/1999/xhtml"
DIV = f"{{{XHTML}}}div"

# No possessive quantifiers: the first releases of Python 3.11 match them wrongly.
# Every alternative ends at the next '<' or at the end of the text, so that hostile text costs linear time too. In
# well-formed XML an attribute's value holds no '<': what this finds outside comments and CDATA is really a tag.
_TAG = re.compile(
    rb"""<(?:
        !--.*?(?:-->|\Z) | !\[CDATA\[.*?(?:\]\]>|\Z) | \?.*?(?:\?>|\Z)
      | (?P<open>(?:[^\s<>/!?:="']+:)?div(?=[\s/>])(?:[^<>"']|"[^<"]*"|'[^<']*')*)>
      | (?P<close>/(?:[^\s<>/!?:="']+:)?div\s*)>
    )""",
    re.DOTALL | re.VERBOSE,
)
_BEFORE_ROOT = re.compile(rb"\s+|<\?.*?(?:\?>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_ENTITY = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|&([A-Za-z]+[0-9]*);", re.DOTALL)
_NAMELESS = re.compile(r"<div(?=[\s/>])")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def has_doctype(body: bytes) -> bool:
    """Whether XML starts with a document type declaration, the only place where one may stand."""
    place = len(BOM) if body.startswith(BOM) else 0
    while found := _BEFORE_ROOT.match(body, place):
        place = found.end()
    return body.startswith(b"<!DOCTYPE", place)


def divs_in(body: bytes) -> Iterator[bytes]:
    """The outermost `div` elements of well-formed XML, as they are written, in document order.

    Of other XML it gives anything or nothing, in time linear to the length of `body`.
    """
    depth = 0
    start = 0
    for tag in _TAG.finditer(body):
        if tag["open"] is not None:
            if depth == 0:
                start = tag.start()
            if not tag["open"].endswith(b"/"):
                depth += 1
            elif depth == 0:
                yield tag[0]
        elif tag["close"] is not None and depth > 0:
            depth -= 1
            if depth == 0:
                yield body[start : tag.end()]


def stands_alone(div: bytes) -> bool:
    """Whether `div` means the same outside the document that it was cut from: it declares its own namespaces."""
    root = _root_of(div)
    return root is not None and root.tag == DIV


class Copy:
    """A narrative built again from a parser's events, for one that leans on prefixes declared outside of it."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._root = etree.fromstring(f'<div xmlns="{XHTML}"/>')
        for name, value in attributes.items():
            self._root.set(name, value)
        self._open = [self._root]
        self._last: etree._Element | None = None  # the element that ended last, if text now comes behind it
        self._text: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._flush()
        self._open.append(etree.SubElement(self._open[-1], tag, dict(attributes)))
        self._last = None

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self) -> None:
        self._flush()
        self._last = self._open.pop()

    def text(self) -> str:
        return etree.tostring(self._root, encoding="unicode")

    def _flush(self) -> None:
        if not self._text:
            return
        text = "".join(self._text)
        self._text.clear()
        if self._last is not None:
            self._last.tail = text
        else:
            self._open[-1].text = text


def embeddable(text: str) -> str:
    """The narrative of a tree as it can stand inside any XML.

    Names of HTML entities (`&nbsp;`), which XML does not know, become their characters. A `div` without namespace gets
    that of XHTML. All else stays as it is written.

    Raises `ValueError` when `text` is not one well-formed `div`.
    """
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    root = _root_of(text.encode("utf-8", "surrogatepass"))
    if root is None or root.tag not in {DIV, "div"}:
        raise ValueError("not one well-formed div")
    div = next(divs_in(text.encode())).decode()  # without a prolog or comments around it
    if root.tag == "div":
        div = _NAMELESS.sub(f'<div xmlns="{XHTML}"', div, count=1)
        if not stands_alone(div.encode()):
            raise ValueError("not in the namespace of XHTML")
    return div


def _root_of(div: bytes) -> etree._Element | None:
    if has_doctype(div):
        return None
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(div, parser)
    except etree.XMLSyntaxError:
        return None


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name is None or name in _XML_ENTITIES or name not in name2codepoint:
        return found[0]
    return chr(name2codepoint[name])
