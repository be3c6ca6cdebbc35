"""FHIR XML at the edge: XML to tree and tree to XML, narrative and digits as they were written.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from fhir_server.kernel.errors import Malformed, TooLarge, Unprocessable
from fhir_server.kernel.wire import Tree
from fhir_server.web.xml_fields import FHIR
from fhir_server.web.xml_narrative import has_doctype
from fhir_server.web.xml_reader import Reader
from fhir_server.web.xml_writer import Unwritable, write_resource

MAX_BYTES = 50_000_000

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]*)["']""")


def tree_of(body: bytes, *, max_bytes: int | None = None) -> Tree:
    """The tree of one resource in XML.

    Raises `Malformed` when `body` is empty, not UTF-8, not well-formed, has a document type, or holds anything that
    its definition does not; `TooLarge` when it is longer than `max_bytes` (50 MB if not given).
    """
    limit = MAX_BYTES if max_bytes is None else max_bytes
    if len(body) > limit:
        raise TooLarge(f"The body has {len(body):,} bytes; this server takes at most {limit:,}")
    if not body or body.isspace():
        raise Malformed("The request has no body; an XML element named as a resource type is expected")
    declared = _ENCODING.match(body)
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"} or (declared and declared[1].lower() != b"utf-8"):
        raise Malformed("The body is not in UTF-8, the only encoding that FHIR knows")
    if has_doctype(body):
        raise Malformed("A document type declaration (DOCTYPE) is not allowed in FHIR XML")

    reader = Reader(body)
    target: Any = reader  # lxml's stubs also ask for a method `comment`, which lxml itself does not need
    # Without a document type there are no entities to resolve, and with resolve_entities=False this parser would hand
    # out `&amp;` in attributes as `&#38;`.
    parser = etree.XMLParser(
        target=target,
        encoding="utf-8",
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # a document of 20 MB is one attribute; size and depth have their own limits here
        collect_ids=False,
    )
    try:
        etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Malformed(_reason(error)) from None
    # An undeclared prefix is no reason for this parser to fail: it drops the prefix, and `h:value` would be `value`.
    if any(entry.level >= etree.ErrorLevels.ERROR for entry in parser.error_log):
        raise Malformed("A namespace prefix is not declared, or a name has more than one colon")
    return reader.tree


def xml_of(tree: Tree, *, pretty: bool = False) -> bytes:
    """The XML of a resource, UTF-8 with declaration; without white space between elements unless `pretty`.

    Raises `Unprocessable` when the tree holds something that XML cannot: a control character, a narrative that is not
    well-formed, or a property that its definition does not have.
    """
    out = [_DECLARATION]
    try:
        write_resource(out, tree, "\n" if pretty else "", "  " if pretty else "", f' xmlns="{FHIR}"')
    except Unwritable as error:
        name = tree.get("resourceType")
        place = (name if isinstance(name, str) else "") + "".join(reversed(error.steps))
        raise Unprocessable(f"Cannot be written as XML: {error}", place) from None
    return "".join(out).encode()


def _reason(error: etree.XMLSyntaxError) -> str:
    """The parser's complaint without the names and values that it may quote."""
    line, column = error.position
    where = f" (line {line}, column {column})"
    codes = etree.ErrorTypes
    match getattr(error, "code", None):  # which lxml's stubs do not know
        case codes.ERR_INVALID_ENCODING | codes.ERR_INVALID_CHAR:
            return f"The body is not valid UTF-8, or has a character that XML does not allow{where}"
        case codes.ERR_UNDECLARED_ENTITY:
            return f"An entity is not known; only those of XML itself and numeric ones are{where}"
        case codes.ERR_TAG_NAME_MISMATCH | codes.ERR_TAG_NOT_FINISHED:
            return f"An element does not end where it should{where}"
        case codes.ERR_DOCUMENT_END:
            return f"There is something behind the end of the resource{where}"
        case codes.ERR_RESOURCE_LIMIT:
            return f"The body nests too deep{where}"
        case _:
            return f"The body is not well-formed XML{where}"
