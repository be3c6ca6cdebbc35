"""The events of an XML parser, made into a tree as they come.

No document is held in memory: a hostile body is refused at its first wrong element. Elements may come in any order, as
HAPI and others allow. Comments and processing instructions are dropped, save inside a narrative.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from fhir_server.definitions.elements import resource_types
from fhir_server.kernel.errors import Malformed, TooLarge
from fhir_server.kernel.wire import MAX_DEPTH, Tree
from fhir_server.web.xml_fields import CONTAINER, FHIR, PREFIX, Field, Table, table_of
from fhir_server.web.xml_narrative import XHTML, Copy, divs_in, stands_alone

# Real resources have about 30 elements to a kB. A body of nothing but `<name/>` would cost the memory of ten like them.
MAX_ELEMENTS = 2_000_000

_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_BLANK = " \t\r\n"
_LONGEST_NAME = 64  # no element of R4 is longer


@dataclass(slots=True)
class _Open:
    """An element whose end has not come yet. A primitive's `tree` is what stands beside its value."""

    field: Field | None  # None: a resource
    table: Table
    tree: Tree
    depth: int  # of `tree`, counted as JSON nests
    ragged: tuple[Field, ...] = ()  # its lists of primitives that have something beside them
    reached: int = 0  # the position of its latest child in the definition


class Reader:
    """Turns the parser's events into `tree`. https://lxml.de/parsing.html#the-target-parser-interface"""

    def __init__(self, body: bytes) -> None:
        self.tree: Tree = {}
        self._open: list[_Open] = []
        self._divs = divs_in(body)
        self._count = 0
        self._inside = 0  # how many elements of a narrative are open
        self._copy: Copy | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise TooLarge(
                f"The body has more than {MAX_ELEMENTS:,} elements, the most that this server takes"
            )
        if self._inside:
            self._start_inside(tag, attributes)
            return
        if not self._open:
            self._start_resource(tag, attributes, self.tree, 1)
            return
        parent = self._open[-1]
        if parent.table is CONTAINER:
            if parent.tree:
                raise self._malformed("Exactly one resource is expected here")
            self._start_resource(tag, attributes, parent.tree, parent.depth)
            return
        found = parent.table.by_tag.get(tag)
        if found is None:
            raise self._malformed(_why_unknown(tag, parent.table))
        if not found.array and (found.property in parent.tree or found.beside in parent.tree):
            raise self._malformed("This element may be there only once", found)
        if found.position < parent.reached:
            raise self._malformed(
                "Elements must stand in the order of the definition; this one comes too late", found
            )
        parent.reached = found.position
        match found.kind:
            case "primitive":
                self._start_primitive(parent, found, attributes)
            case "narrative":
                self._start_narrative(attributes)
            case _:
                self._start_object(parent, found, attributes)

    def data(self, text: str) -> None:
        if self._inside:
            if self._copy is not None:
                self._copy.data(text)
        elif text.strip(_BLANK):
            raise self._malformed("Text is not allowed here; a value is written in the attribute 'value'")

    def end(self, tag: str) -> None:
        if self._inside:
            self._inside -= 1
            if self._copy is not None:
                self._copy.end()
            if not self._inside:
                self._end_narrative()
            return
        ended = self._open.pop()
        found = ended.field
        if found is not None and found.kind == "primitive":
            self._end_primitive(ended, found)
            return
        if ended.table is CONTAINER and not ended.tree:
            raise self._malformed("Exactly one resource is expected here", found)
        for ragged in ended.ragged:
            values, beside = ended.tree[ragged.property], ended.tree[ragged.beside]
            beside.extend([None] * (len(values) - len(beside)))
            if all(value is None for value in values):
                del ended.tree[ragged.property]

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Only reached if `xml.tree_of` has missed one: nothing that declares entities is ever read on."""
        raise Malformed("A document type declaration (DOCTYPE) is not allowed in FHIR XML")

    def close(self) -> None:
        """Asked for by the parser; `tree` is there already."""

    def _start_resource(self, tag: str, attributes: Mapping[str, str], tree: Tree, depth: int) -> None:
        if not tag.startswith(PREFIX):
            raise self._malformed(f"A resource must be in the namespace {FHIR}")
        name = tag.removeprefix(PREFIX)
        if name not in resource_types():
            raise self._malformed("FHIR R4 has no resource type of that name")
        tree["resourceType"] = name
        if any(attribute != _SCHEMA_LOCATION for attribute in attributes):
            raise self._malformed("A resource has no attributes; its id is an element")
        self._open.append(_Open(None, table_of(name), tree, depth))

    def _start_object(self, parent: _Open, found: Field, attributes: Mapping[str, str]) -> None:
        tree: Tree = {}
        depth = parent.depth + 1
        if found.array:
            parent.tree.setdefault(found.property, []).append(tree)
            depth += 1
        else:
            parent.tree[found.property] = tree
        table = CONTAINER if found.kind == "resource" else table_of(found.type)
        self._open.append(_Open(found, table, tree, depth))
        if depth > MAX_DEPTH:
            raise Malformed(f"The body nests more than {MAX_DEPTH} levels deep")
        for name, text in attributes.items():
            if name not in table.by_attribute:
                raise self._malformed("This element has an attribute that FHIR does not define")
            tree[name] = text

    def _start_primitive(self, parent: _Open, found: Field, attributes: Mapping[str, str]) -> None:
        if found.array:
            parent.tree.setdefault(found.property, []).append(None)
        text, identity = attributes.get("value"), attributes.get("id")
        if len(attributes) != (text is not None) + (identity is not None):
            raise self._malformed("This element has an attribute that FHIR does not define", found)
        beside: Tree = {} if identity is None else {"id": identity}
        depth = parent.depth + (2 if found.array else 1)
        try:
            value = None if text is None else found.value_of(text)
        except ValueError as error:
            raise self._malformed(f"Not a value of type {found.type}: {error}", found, code="value") from None
        if found.array:
            parent.tree[found.property][-1] = value
        elif value is not None:
            parent.tree[found.property] = value
        self._open.append(_Open(found, table_of("Element"), beside, depth))

    def _end_primitive(self, ended: _Open, found: Field) -> None:
        parent = self._open[-1]
        values = parent.tree.get(found.property)
        if not ended.tree:
            if values is None or (found.array and values[-1] is None):
                raise self._malformed("An element must have a value or children", found)
            return
        if not found.array:
            parent.tree[found.beside] = ended.tree
            return
        assert values is not None
        beside = parent.tree.setdefault(found.beside, [])
        beside.extend([None] * (len(values) - 1 - len(beside)))
        beside.append(ended.tree)
        if found not in parent.ragged:
            parent.ragged = (*parent.ragged, found)

    def _start_narrative(self, attributes: Mapping[str, str]) -> None:
        self._inside = 1
        div = next(self._divs, b"")
        if stands_alone(div):
            self._open[-1].tree["div"] = div.decode()
        else:  # it leans on a prefix of the document: say the same with the namespace on the div itself
            try:
                self._copy = Copy(attributes)
            except ValueError:
                raise self._malformed(
                    "A name in the narrative is not a name with a declared prefix"
                ) from None

    def _start_inside(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._inside += 1
        if self._copy is not None:
            try:
                self._copy.start(tag, attributes)
            except ValueError:  # a name like `h:`, which this parser gives out and cannot build with
                raise self._malformed(
                    "A name in the narrative is not a name with a declared prefix"
                ) from None

    def _end_narrative(self) -> None:
        if self._copy is not None:
            self._open[-1].tree["div"] = self._copy.text()
            self._copy = None

    def _malformed(self, text: str, within: Field | None = None, *, code: str | None = None) -> Malformed:
        """`text` about the innermost open element, or about one that it has no frame for: its child `within`."""
        steps = [str(self.tree.get("resourceType", ""))]
        fields = [opened.field for opened in self._open[1:]]
        for parent, found in zip(self._open, [*fields, within], strict=False):
            if found is not None:
                index = max(0, len(parent.tree.get(found.property, ())) - 1) if found.array else None
                steps.append(f".{found.element}" if index is None else f".{found.element}[{index}]")
        return Malformed(text, "".join(steps), code=code)


def _why_unknown(tag: str, table: Table) -> str:
    if tag == PREFIX + "div":
        return f"The div of a narrative must be in the namespace {XHTML}"
    if not tag.startswith(PREFIX):
        return f"An element is not in the namespace {FHIR}"
    names = [known.removeprefix(PREFIX) for known in table.by_tag if known.startswith(PREFIX)]
    close = get_close_matches(tag.removeprefix(PREFIX)[:_LONGEST_NAME], names, n=1)
    return "An element has a name that is not defined here" + (
        f". Did you mean '{close[0]}'?" if close else ""
    )
