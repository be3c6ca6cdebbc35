"""LOINC from a release as its publisher gives it out: terms, parts, answer lists, groups, and French variants.

Terms come first, in their order, then parts (LP…), answer lists (LL…) with their answers (LA…), and groups (LG…). The
hierarchy is that of components, and a group stands above its terms. The property `LIST` of an answer names its lists.

https://loinc.org/kb/users-guide/ · https://hl7.org/fhir/R4/loinc.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.tables import Fields, records
from terminology.versions import order_of

URL: Final = "http://loinc.org"
_AXES: Final = ("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP")
_TOLD: Final = (*_AXES, "CLASS", "CLASSTYPE", "STATUS", "ORDER_OBS", "UNITSREQUIRED", "VersionFirstReleased")
_TERMS, _PARTS, _GROUPS = "Loinc.csv", "Part.csv", "Group.csv"
_GROUPED, _ANSWERS, _ANSWERED = "GroupLoincTerms.csv", "AnswerList.csv", "LoincAnswerListLink.csv"
_HIERARCHIES: Final = ("ComponentHierarchyBySystem.csv", "MultiAxialHierarchy.csv")
_VARIANT: Final = re.compile(r"(fr)([A-Z]{2})\d+LinguisticVariant\.csv")
_OTHER_NAMES: Final = ("SHORTNAME", "DisplayName", "CONSUMER_NAME")


def recognises(source: Source) -> bool:
    return any(_base(name) == _TERMS for name in source.names)


def read(source: Source, wanted: Wanted) -> Iterator[Release]:
    """The one release. Raises `Unloadable`."""
    files = {_base(name): name for name in reversed(source.names)}
    if _TERMS not in files:
        raise Unloadable(source.label, f"It has no {_TERMS}")
    position = Position(source.label)
    newest, total = "", 0
    for record in records(source, files[_TERMS], ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS"), position):
        total += 1
        newest = max(newest, record.get("VersionLastChanged", ""), key=order_of)
    head = head_of(
        wanted.url or URL,
        wanted.version or newest,
        "LOINC",
        "LOINC",
        case_sensitive=False,
        hierarchyMeaning="is-a",
        language="en",
        property=declared(
            ("parent", "code"),
            ("child", "code"),
            ("ancestor", "code"),
            ("inactive", "boolean"),
            ("LIST", "code"),
            ("answer-list", "code"),
            ("copyright", "string"),
            *((name, "string") for name in _TOLD),
        ),
    )
    variants = [name for name in files if _VARIANT.fullmatch(name)]
    used = [_TERMS, _PARTS, _ANSWERS, _GROUPS, _GROUPED, _ANSWERED, *_HIERARCHIES, *variants]
    sha256 = source.sha256([files[name] for name in used if name in files])
    yield Release(head, sha256, _Reading(source, files, position).entries, position, total)


@dataclass(slots=True)
class _Reading:
    source: Source
    files: dict[str, str]
    position: Position
    parents: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of what only the hierarchy names
    lists: dict[str, list[str]] = field(default_factory=dict)  # term → its answer lists
    french: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def entries(self) -> Iterator[Entry]:
        self._relate()
        for name in sorted(self.files):
            if _VARIANT.fullmatch(name):
                self._translate(name)
        yield from self._terms()
        yield from self._parts()
        yield from self._answer_lists()
        yield from self._groups()
        for code, text in self.names.items():
            if code not in self.seen:
                yield self._entry(code, text)

    def _relate(self) -> None:
        name = next((name for name in _HIERARCHIES if name in self.files), "")
        for one in self._records(name, "IMMEDIATE_PARENT", "CODE", "CODE_TEXT"):
            if one["IMMEDIATE_PARENT"]:
                above = self.parents.setdefault(one["CODE"], [])
                if one["IMMEDIATE_PARENT"] not in above:
                    above.append(one["IMMEDIATE_PARENT"])
            if one["CODE"].startswith("LP"):
                self.names[one["CODE"]] = one["CODE_TEXT"]
        for one in self._records(_GROUPED, "GroupId", "LoincNumber"):
            self.parents.setdefault(one["LoincNumber"], []).append(one["GroupId"])
        for one in self._records(_ANSWERED, "LoincNumber", "AnswerListId"):
            self.lists.setdefault(one["LoincNumber"], []).append(one["AnswerListId"])

    def _translate(self, name: str) -> None:
        language = f"{name[:2]}-{name[2:4]}"
        for one in self._records(name, "LOINC_NUM"):
            axes = ":".join(one[axis] for axis in _AXES if one.get(axis))
            text = one.get("LinguisticVariantDisplayName") or one.get("LONG_COMMON_NAME") or axes
            if text:
                self.french.setdefault(one["LOINC_NUM"], []).append((language, text))

    def _terms(self) -> Iterator[Entry]:
        for one in self._records(_TERMS, "LOINC_NUM", "LONG_COMMON_NAME", "STATUS"):
            code = one["LOINC_NUM"]
            designations = [{"value": one[name]} for name in _OTHER_NAMES if one.get(name)]
            designations += [
                {"language": language, "value": text} for language, text in self.french.pop(code, ())
            ]
            properties: list[dict[str, Any]] = [
                {"code": name, "valueString": one[name]} for name in _TOLD if one.get(name)
            ]
            owner = "3rdParty" if one.get("EXTERNAL_COPYRIGHT_NOTICE") else "LOINC"
            properties.append({"code": "copyright", "valueString": owner})
            properties += [{"code": "answer-list", "valueCode": name} for name in self.lists.get(code, ())]
            inactive = one["STATUS"] == "DEPRECATED"
            yield self._entry(
                code, one["LONG_COMMON_NAME"], designations, properties, inactive=inactive, own=one
            )

    def _parts(self) -> Iterator[Entry]:
        for one in self._records(_PARTS, "PartNumber", "PartName", "Status"):
            text = one.get("PartDisplayName") or one["PartName"]
            yield self._entry(one["PartNumber"], text, inactive=one["Status"] == "DEPRECATED")

    def _answer_lists(self) -> Iterator[Entry]:
        """A list at its first line; an answer once, after all lists, with the lists that it is in."""
        answers: dict[str, tuple[str, list[str]]] = {}
        for one in self._records(_ANSWERS, "AnswerListId", "AnswerListName", "AnswerStringId", "DisplayText"):
            if one["AnswerListId"] not in self.seen:
                yield self._entry(one["AnswerListId"], one["AnswerListName"])
            if one["AnswerStringId"]:
                _, lists = answers.setdefault(one["AnswerStringId"], (one["DisplayText"], []))
                lists.append(one["AnswerListId"])
        for code, (text, lists) in answers.items():
            named = [{"code": "LIST", "valueCode": name} for name in dict.fromkeys(lists)]
            yield self._entry(code, text, (), named)

    def _groups(self) -> Iterator[Entry]:
        for one in self._records(_GROUPS, "GroupId", "Group"):
            if one["GroupId"] not in self.seen:
                yield self._entry(one["GroupId"], one["Group"])

    def _entry(
        self,
        code: str,
        display: str,
        designations: list[dict[str, Any]] | tuple[()] = (),
        properties: list[dict[str, Any]] | tuple[()] = (),
        *,
        inactive: bool = False,
        own: Fields | None = None,
    ) -> Entry:
        if own is None:
            self.seen.add(code)
        tree: dict[str, Any] = {"code": code, "display": display}
        if definition := (own or {}).get("DefinitionDescription"):
            tree["definition"] = definition
        if designations:
            tree["designation"] = designations
        above = [{"code": "parent", "valueCode": parent} for parent in self.parents.get(code, ())]
        state: list[dict[str, Any]] = [{"code": "inactive", "valueBoolean": True}] if inactive else []
        if every := [*state, *properties, *above]:
            tree["property"] = every
        return Entry(tree)

    def _records(self, name: str, *columns: str) -> Iterator[Fields]:
        """Of a file that the release may not have."""
        if name in self.files:
            yield from records(self.source, self.files[name], columns, self.position)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
