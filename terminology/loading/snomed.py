"""SNOMED CT from the snapshot of a release in format RF2, extensions included.

Concepts come in the order of the is-a hierarchy, so that what stands below one are its neighbours; inactive ones come
last. Other relationships are properties of their source, simple reference sets the property `refset` of their members.

https://confluence.ihtsdotools.org/display/DOCRELFMT · https://hl7.org/fhir/R4/snomedct.html
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from terminology.hierarchy import Circle, Hierarchy
from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.spool import Spool
from terminology.loading.tables import rows

URL: Final = "http://snomed.info/sct"
_FILES: Final = {
    "concept": re.compile(r"x?sct2_Concept_Snapshot"),
    "description": re.compile(r"x?sct2_Description_Snapshot"),
    "relationship": re.compile(r"x?sct2_Relationship_Snapshot"),
    "language": re.compile(r"x?der2_cRefset_Language\w*Snapshot"),
    "refset": re.compile(r"x?der2_Refset_\w*Snapshot"),
}
_DATE: Final = re.compile(r"_(\d{8})\.txt$")
_IS_A: Final = "116680003"
_NAME: Final = "900000000000003001"  # fully specified name
_PREFERRED: Final = "900000000000548007"
_US_ENGLISH: Final = "900000000000509007"
_DEFINED: Final = "900000000000073002"
_CORE: Final = frozenset({"900000000000207008", "900000000000012004"})  # modules of the International Edition
_USES: Final = {_NAME: "Fully specified name", "900000000000013009": "Synonym"}
_OTHER, _PREFERRED_SOMEWHERE, _AMERICAN = "0", "1", "2"  # how far a term is preferred


def recognises(source: Source) -> bool:
    return any(_FILES["concept"].match(_base(name)) for name in source.names)


def read(source: Source, wanted: Wanted) -> Iterator[Release]:
    """The one release. Raises `Unloadable`."""
    files = {
        kind: [name for name in source.names if pattern.match(_base(name))]
        for kind, pattern in _FILES.items()
    }
    for kind in ("concept", "description", "relationship"):
        if not files[kind]:
            raise Unloadable(
                source.label, f"It has no snapshot of {kind}s (sct2_{kind.capitalize()}_Snapshot…)"
            )
    reading = _Reading(source, files, Position(source.label))
    reading.concepts()
    reading.relationships()
    attributes = [(code, "code") for code in sorted(reading.attributes)]
    head = head_of(
        wanted.url or URL,
        wanted.version or reading.version(),
        "SNOMED_CT",
        "SNOMED CT",
        case_sensitive=True,
        hierarchyMeaning="is-a",
        compositional=True,
        language="en",
        property=declared(
            ("parent", "code"),
            ("child", "code"),
            ("inactive", "boolean"),
            ("sufficientlyDefined", "boolean"),
            ("moduleId", "code"),
            ("effectiveTime", "string"),
            ("refset", "code"),
            *attributes,
        ),
    )
    every = [name for names in files.values() for name in names]
    yield Release(head, source.sha256(every), reading.entries, reading.position, len(reading.ids))


@dataclass(slots=True)
class _Reading:
    source: Source
    files: dict[str, list[str]]
    position: Position
    ids: dict[str, int] = field(default_factory=dict)  # concept → its number in order of appearance
    active: bytearray = field(default_factory=bytearray)
    times: array[int] = field(default_factory=lambda: array("I"))
    attributes: set[str] = field(default_factory=set)
    modules: Counter[str] = field(default_factory=Counter)
    order: array[int] = field(default_factory=lambda: array("I"))  # place → number
    places: array[int] = field(default_factory=lambda: array("I"))  # number → place
    parents: dict[int, list[str]] = field(default_factory=dict)

    def concepts(self) -> None:
        """Which concepts there are. What an extension says of one of another's holds if it is later."""
        for code, time, active, module in self._rows("concept", "id", "effectiveTime", "active", "moduleId"):
            if not (code.isdigit() and time.isdigit() and active in {"0", "1"}):
                raise Unloadable(
                    str(self.position), "It is not a concept: id, effectiveTime or active is no number"
                )
            self.modules[module] += 1
            number = self.ids.setdefault(code, len(self.ids))
            if number == len(self.active):
                self.active.append(active == "1")
                self.times.append(int(time[:9]))
            elif int(time[:9]) >= self.times[number]:
                self.active[number] = active == "1"
                self.times[number] = int(time[:9])

    def relationships(self) -> None:
        """The hierarchy, and from it the order; and which attributes there are."""
        children, parents = array("I"), array("I")
        for active, source, target, kind in self._rows(
            "relationship", "active", "sourceId", "destinationId", "typeId"
        ):
            if active != "1":
                continue
            if kind != _IS_A:
                self.attributes.add(kind)
                continue
            child, parent = self.ids.get(source), self.ids.get(target)
            if child is None or parent is None:
                raise Unloadable(str(self.position), "It relates a concept that the release does not have")
            if self.active[child] and self.active[parent]:
                children.append(child)
                parents.append(parent)
        self.position.leave_line()
        try:
            found = Hierarchy(len(self.ids), children, parents).order()
        except Circle:
            raise Unloadable(str(self.position), "A concept stands below itself") from None
        self.order = array("I", sorted(found, key=lambda number: not self.active[number]))
        self.places = array("I", bytes(4 * len(self.order)))
        for place, number in enumerate(self.order):
            self.places[number] = place

    def version(self) -> str:
        """https://hl7.org/fhir/R4/snomedct.html#version"""
        dates = [found[1] for names in self.files.values() for name in names if (found := _DATE.search(name))]
        if not dates:
            raise Unloadable(
                self.source.label, "No file is named with the date of the release: --version says it"
            )
        own = [module for module, _ in self.modules.most_common() if module not in _CORE]
        return f"{URL}/{own[0] if own else '900000000000207008'}/version/{max(dates)}"

    def entries(self) -> Iterator[Entry]:
        spool = Spool(len(self.ids))
        try:
            self._spool(spool)
            codes = list(self.ids)
            self.position.leave_line()
            for number, records in zip(self.order, spool.take(), strict=True):
                yield Entry(_tree_of(codes[number], records, active=bool(self.active[number])))
        finally:
            spool.close()

    def _spool(self, spool: Spool) -> None:
        """What the files say of each concept that exists."""
        for code, time, module, status in self._rows(
            "concept", "id", "effectiveTime", "moduleId", "definitionStatusId"
        ):
            spool.put(self._place(code), "concept", time, module, status)
        american, other = self._preferred()
        for number, active, concept, language, kind, term in self._rows(
            "description", "id", "active", "conceptId", "languageCode", "typeId", "term"
        ):
            if active == "1" and concept in self.ids:
                rank = _OTHER
                if _has(american, number):
                    rank = _AMERICAN
                elif _has(other, number):
                    rank = _PREFERRED_SOMEWHERE
                spool.put(self._place(concept), "description", language, kind, term, rank)
        for active, concept, target, kind in self._rows(
            "relationship", "active", "sourceId", "destinationId", "typeId"
        ):
            if active == "1" and concept in self.ids:
                spool.put(self._place(concept), "relationship", kind, target)
        for active, refset, concept in self._rows("refset", "active", "refsetId", "referencedComponentId"):
            if active == "1" and concept in self.ids:
                spool.put(self._place(concept), "relationship", "refset", refset)

    def _preferred(self) -> tuple[array[int], array[int]]:
        """The descriptions that are preferred, in American English and in any language; sorted."""
        american, other = array("Q"), array("Q")
        columns = ("active", "refsetId", "referencedComponentId", "acceptabilityId")
        for active, refset, description, acceptability in self._rows("language", *columns):
            if active == "1" and acceptability == _PREFERRED:
                (american if refset == _US_ENGLISH else other).append(self._number(description))
        return array("Q", sorted(american)), array("Q", sorted(other))

    def _rows(self, kind: str, *columns: str) -> Iterator[Sequence[str]]:
        for name in self.files[kind]:
            yield from rows(self.source, name, columns, self.position)

    def _place(self, concept: str) -> int:
        return self.places[self.ids[concept]]

    def _number(self, text: str) -> int:
        if not (text.isdigit() and text.isascii() and len(text) <= 18):
            raise Unloadable(str(self.position), "An identifier is not a number of SNOMED CT")
        return int(text)


def _tree_of(code: str, records: Sequence[Sequence[str]], *, active: bool) -> dict[str, Any]:
    own = ["", "", ""]
    terms: list[Sequence[str]] = []
    properties: list[dict[str, Any]] = []
    for kind, *fields in records:
        match kind:
            case "concept":
                own = max(own, fields)  # by time
            case "description":
                terms.append(fields)
            case _:
                name, target = fields
                properties.append({"code": "parent" if name == _IS_A else name, "valueCode": target})
    time, module, status = own
    tree: dict[str, Any] = {"code": code}
    terms.sort(key=lambda term: term[3], reverse=True)  # preferred ones first, else as they came
    if display := _display(terms):
        tree["display"] = display
    if terms:
        tree["designation"] = [_designation(*term[:3]) for term in terms]
    tree["property"] = [
        {"code": "inactive", "valueBoolean": not active},
        {"code": "sufficientlyDefined", "valueBoolean": status == _DEFINED},
        {"code": "moduleId", "valueCode": module},
        {"code": "effectiveTime", "valueString": time},
        *properties,
    ]
    return tree


def _display(terms: Sequence[Sequence[str]]) -> str:
    """The preferred English synonym, else the fully specified name, else what there is."""
    english = [term for term in terms if term[0] == "en"]
    preferred = [term for term in english if term[1] != _NAME and term[3] != _OTHER]
    names = [term for term in english if term[1] == _NAME]
    return next((term[2] for term in (*preferred, *names, *english, *terms)), "")


def _designation(language: str, type: str, term: str) -> dict[str, Any]:
    use = {"system": URL, "code": type, "display": _USES[type]} if type in _USES else None
    return {"language": language, **({"use": use} if use else {}), "value": term}


def _has(sorted_numbers: array[int], id: str) -> bool:
    if not (id.isdigit() and len(id) <= 18):
        return False
    number = int(id)
    at = bisect_left(sorted_numbers, number)
    return at < len(sorted_numbers) and sorted_numbers[at] == number


def _base(name: str) -> str:
    return name.rpartition("/")[2]
