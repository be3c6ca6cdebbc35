"""XML of code systems, element by element, without what may be hidden in XML.

No document type is read, no entity replaced and nothing fetched; a file that declares entities is refused unread.

https://lxml.de/parsing.html#iterparse-and-iterwalk
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

from terminology.loading.archives import Source
from terminology.loading.release import Position, Unloadable

_BEGINNING: Final = 65_536  # bytes, in which the root element must have begun
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*>)*<(?:[\w.-]+:)?(\w+)", re.DOTALL
)


def root_of(source: Source, name: str) -> str:
    """The name of the root element; empty: it is no XML that is read here."""
    found = _PROLOG.match(source.beginning(name, _BEGINNING))
    return found[1].decode() if found else ""


def elements(
    source: Source, name: str, tags: Sequence[str], position: Position, events: Sequence[str] = ("end",)
) -> Iterator[tuple[str, etree._Element]]:
    """The events of elements of these names, whatever their namespace. Raises `Unloadable`."""
    position.file = source.place(name)
    if not root_of(source, name):
        raise Unloadable(str(position), "It is not XML, or declares entities")
    with source.open(name) as file:
        parser = etree.iterparse(
            file,
            events=tuple(events),
            tag=[f"{{*}}{tag}" for tag in tags],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            for event, element in parser:
                position.line = element.sourceline or 0
                yield event, element
        except etree.XMLSyntaxError as error:
            position.line = error.lineno or 0
            raise Unloadable(str(position), "It is not well-formed XML") from None


def name_of(element: etree._Element) -> str:
    """Its name without namespace."""
    return etree.QName(element).localname


def forget(element: etree._Element) -> None:
    """Let go of an element that was read, and of those before it."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
