"""Releases of code systems that nobody owns: made up here, in the formats of those that somebody does."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from terminology.indexing import Entry
from terminology.loading.fhir_json import nested
from terminology.loading.release import Position, Release

ROOT, IS_A, NAME, SYNONYM = "138875005", "116680003", "900000000000003001", "900000000000013009"
CORE, US, FR = "900000000000207008", "900000000000509007", "10031000315102"
PREFERRED, PRIMITIVE = "900000000000548007", "900000000000074008"


def release(tree: Mapping[str, Any], sha256: str = "") -> Release:
    """Of a CodeSystem at hand."""
    head = {key: value for key, value in tree.items() if key != "concept"}
    return Release(head, sha256 or repr(tree), lambda: nested(dict(tree)), Position("test"))


def entries_of(release: Release) -> dict[str, Entry]:
    return {entry.tree["code"]: entry for entry in release.entries()}


def properties_of(entry: Entry) -> list[tuple[str, Any]]:
    """Code and value, in order."""
    return [
        (one["code"], value)
        for one in entry.tree.get("property", ())
        for key, value in one.items()
        if key != "code"
    ]


def folder(path: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tabs(header: str, *lines: Sequence[str]) -> str:
    return "\r\n".join(["\t".join(header.split()), *("\t".join(line) for line in lines), ""])


class Rf2:
    """A snapshot of SNOMED CT's format, with concepts of our own."""

    def __init__(self, module: str = CORE, date: str = "20240101", label: str = "INT") -> None:
        self.module, self.date, self.label = module, date, label
        self.concepts: list[Sequence[str]] = []
        self.descriptions: list[Sequence[str]] = []
        self.relationships: list[Sequence[str]] = []
        self.languages: list[Sequence[str]] = []
        self.refsets: list[Sequence[str]] = []

    def concept(self, code: str, name: str = "", parents: Iterable[str] = (), *, active: bool = True) -> None:
        self.concepts.append((code, self.date, "01"[active], self.module, PRIMITIVE))
        if name:
            self.describe(code, f"{name} (thing)", type=NAME)
            self.describe(code, name)
        for parent in parents:
            self.relate(code, parent)

    def describe(
        self, code: str, term: str, *, language: str = "en", type: str = SYNONYM, preferred: str = US
    ) -> None:
        number = f"{len(self.descriptions) + 1}{sum(self.label.encode())}013"
        self.descriptions.append((number, self.date, "1", self.module, code, language, type, term, "x"))
        if preferred:
            self.languages.append((number, self.date, "1", self.module, preferred, number, PREFERRED))

    def relate(self, code: str, target: str, type: str = IS_A, *, active: bool = True) -> None:
        number = str(len(self.relationships) + 1)
        self.relationships.append(
            (number, self.date, "01"[active], self.module, code, target, "0", type, "x", "x")
        )

    def member(self, refset: str, code: str) -> None:
        self.refsets.append((str(len(self.refsets)), self.date, "1", self.module, refset, code))

    def files(self) -> dict[str, str]:
        base, end = "SnomedCT/Snapshot", f"_{self.label}_{self.date}.txt"
        common = "id effectiveTime active moduleId"
        return {
            f"{base}/Terminology/sct2_Concept_Snapshot{end}": tabs(
                f"{common} definitionStatusId", *self.concepts
            ),
            f"{base}/Terminology/sct2_Description_Snapshot-en{end}": tabs(
                f"{common} conceptId languageCode typeId term caseSignificanceId", *self.descriptions
            ),
            f"{base}/Terminology/sct2_Relationship_Snapshot{end}": tabs(
                f"{common} sourceId destinationId relationshipGroup typeId characteristicTypeId modifierId",
                *self.relationships,
            ),
            f"{base}/Refset/Language/der2_cRefset_LanguageSnapshot-en{end}": tabs(
                f"{common} refsetId referencedComponentId acceptabilityId", *self.languages
            ),
            f"{base}/Refset/Content/der2_Refset_SimpleSnapshot{end}": tabs(
                f"{common} refsetId referencedComponentId", *self.refsets
            ),
        }


def small_rf2() -> Rf2:
    """A root, two branches, a concept below both, and an inactive one."""
    made = Rf2()
    made.concept(ROOT, "Root")
    made.concept("1001", "Left branch", [ROOT])
    made.concept("1002", "Right branch", [ROOT])
    made.concept("1003", "Leaf of both", ["1001", "1002"])
    made.concept("1004", "Old thing", active=False)
    made.relate("1003", "1002", "363698007")
    made.member("733990004", "1003")
    return made
