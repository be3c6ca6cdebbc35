"""Classifications in ClaML, the XML of the WHO and of national agencies: CIM-10, CIF and others.

Chapters, blocks and categories are concepts, each below its superclass; chapters and blocks are there to group others.

EN 14463 · https://www.who.int/standards/classifications/frequently-asked-questions/claml
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.xml_stream import elements, forget, name_of

ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_GROUPING: Final = frozenset({"chapter", "block"})
_IDENTIFIERS: Final = {"2.16.840.1.113883.6.3": ICD_10}
_PREFERRED: Final = ("preferred", "preferredLong")
_ALSO: Final = frozenset({"preferredLong", "inclusion", "index"})


def read(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The one classification of a file. Raises `Unloadable`."""
    position = Position(source.place(name))
    url, version, title, total = wanted.url, wanted.version, "", 0
    for _, element in elements(source, name, ("Title", "Identifier", "Class"), position):
        match name_of(element):
            case "Title":
                title = _text(element)
                version = version or element.get("version") or element.get("date") or ""
                if not url and {"ICD-10", "CIM-10"} & set((element.get("name") or "").upper().split()):
                    url = ICD_10
            case "Identifier":
                url = url or _IDENTIFIERS.get(element.get("uid") or "", "")
            case _:
                total += 1
        forget(element)
    position.leave_line()
    if not url:
        raise Unloadable(str(position), "It does not say which classification it is: --url says it")
    head = head_of(
        url,
        version,
        "CIM_10" if url == ICD_10 else "Classification",
        title,
        case_sensitive=False,
        hierarchyMeaning="is-a",
        property=declared(
            ("parent", "code"), ("child", "code"), ("notSelectable", "boolean"), ("kind", "code")
        ),
    )

    def entries() -> Iterator[Entry]:
        for _, element in elements(source, name, ("Class",), position):
            yield Entry(_tree_of(element, position))
            forget(element)

    yield Release(head, source.sha256([name]), entries, position, total)


def _tree_of(element: etree._Element, position: Position) -> dict[str, Any]:
    code, kind = element.get("code"), element.get("kind") or ""
    if not code:
        raise Unloadable(str(position), "A class has no code")
    labels: dict[str, list[tuple[str, str]]] = {}
    parents: list[str] = []
    for child in element:
        match name_of(child):
            case "SuperClass":
                parents.append(child.get("code") or "")
            case "Rubric":
                for label in child.iterfind("{*}Label"):
                    if text := _text(label):
                        labels.setdefault(child.get("kind") or "", []).append((label.get(_XML) or "", text))
    tree: dict[str, Any] = {"code": code}
    display = next((labels[name][0][1] for name in _PREFERRED if name in labels), "")
    if display:
        tree["display"] = display
    if definition := "\n".join(text for _, text in labels.get("definition", ())):
        tree["definition"] = definition
    designations = [
        {**({"language": language} if language else {}), "value": text}
        for name in _ALSO & labels.keys()
        for language, text in labels[name]
        if text != display
    ]
    if designations:
        tree["designation"] = sorted(designations, key=lambda one: one["value"])
    tree["property"] = [
        *({"code": "parent", "valueCode": parent} for parent in parents if parent),
        *([{"code": "kind", "valueCode": kind}] if kind else []),
        *([{"code": "notSelectable", "valueBoolean": True}] if kind in _GROUPING else []),
    ]
    return tree


def _text(element: etree._Element) -> str:
    return " ".join("".join(str(part) for part in element.itertext()).split())
