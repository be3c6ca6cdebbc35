"""What kind of release some files are, told by their content, and the reader of each kind.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from terminology.loading import cim10, claml, csv_table, fhir_json, fhir_xml, loinc, snomed
from terminology.loading.archives import Source
from terminology.loading.release import Release, Unloadable, Wanted
from terminology.loading.xml_stream import root_of

Read = Callable[[Source, str, Wanted], Iterator[Release]]

_OF_FILES: Final[dict[str, Read]] = {
    "fhir": lambda source, name, wanted: (fhir_xml.read if _begins(source, name) == b"<" else fhir_json.read)(
        source, name, wanted
    ),
    "svs": fhir_xml.read_table,
    "claml": claml.read,
    "cim10": cim10.read,
    "csv": csv_table.read,
}
_WHOLE: Final[dict[str, Callable[[Source, Wanted], Iterator[Release]]]] = {
    "loinc": loinc.read,
    "snomed": snomed.read,
}
_RECOGNISED: Final = {"loinc": loinc.recognises, "snomed": snomed.recognises}
KINDS: Final = (*_WHOLE, *_OF_FILES)
_ROOTS: Final = {"CodeSystem": "fhir", "Bundle": "fhir", "RetrieveValueSetResponse": "svs", "ClaML": "claml"}
_IGNORED: Final = frozenset({"ValueSet", "ConceptMap", "NamingSystem"})
_ALSO_THERE: Final = (
    "pdf",
    "md",
    "html",
    "htm",
    "xsd",
    "dtd",
    "xlsx",
    "xls",
    "docx",
    "doc",
    "rtf",
    "sig",
    "asc",
)


@dataclass(frozen=True, slots=True)
class Part:
    """What is read by itself: a whole release, or one file."""

    kind: str
    source: Source
    name: str = ""  # of the file

    def read(self, wanted: Wanted) -> Iterator[Release]:
        """The code systems in it. Raises `Unloadable`."""
        if self.kind in _WHOLE:
            return _WHOLE[self.kind](self.source, wanted)
        return _OF_FILES[self.kind](self.source, self.name, wanted)


def parts_of(source: Source, kind: str = "") -> list[Part]:
    """What there is to read; never empty. `kind` of `KINDS`; empty: as the files look. Raises `Unloadable`."""
    if not kind:
        kind = next((name for name, recognises in _RECOGNISED.items() if recognises(source)), "")
    if kind in _WHOLE:
        return [Part(kind, source)]
    named = [(name, kind or kind_of(source, name)) for name in source.names]
    found = [Part(known, source, name) for name, known in named if known]
    if not found:
        raise Unloadable(source.label, "No kind of code system is recognised in it: --kind says which it is")
    return found


def kind_of(source: Source, name: str) -> str:
    """The kind of one file; empty: none that is known."""
    if name.rpartition(".")[2].lower() in _ALSO_THERE:
        return ""
    beginning = source.beginning(name)
    first = _begins(source, name)
    if first == b"<":
        return _ROOTS.get(root_of(source, name), "")
    if first in {b"{", b"["}:
        ignored = any(f'"resourceType":"{one}"'.encode() in b"".join(beginning.split()) for one in _IGNORED)
        there = b'"CodeSystem"' in beginning or b'"Bundle"' in beginning
        return "fhir" if first == b"{" and (there or not ignored) else ""
    if cim10.recognises(beginning):
        return "cim10"
    return "csv" if csv_table.recognises(source, name) else ""


def _begins(source: Source, name: str) -> bytes:
    return source.beginning(name).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
