"""CodeSystems of FHIR in XML, each in one piece, and the tables of the NOS as `RetrieveValueSetResponse` (IHE SVS).

https://hl7.org/fhir/R4/codesystem.html · https://profiles.ihe.net/ITI/TF/Volume2/ITI-48.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from terminology.loading.archives import Source
from terminology.loading.fhir_json import kept_head, release_of
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.xml_stream import elements, forget, name_of

_LISTS: Final = frozenset(
    {"property", "designation", "filter", "operator", "concept", "identifier", "contact", "telecom"}
    | {"useContext", "jurisdiction", "coding", "extension"}
)
_TRUTHS: Final = frozenset(
    {"valueBoolean", "caseSensitive", "experimental", "compositional", "versionNeeded", "userSelected"}
)
_NUMBERS: Final = frozenset({"valueInteger", "count"})
_LEFT_OUT: Final = frozenset({"text", "contained", "meta"})
_WHOLE_BYTES: Final = 100_000_000


def read(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The code systems of one file: a CodeSystem, or a Bundle of several. Raises `Unloadable`."""
    position = Position(source.place(name))
    found = 0
    _require_short(source, name)
    for _, element in elements(source, name, ("CodeSystem",), position):
        found += 1
        tree = {"resourceType": "CodeSystem", **_object(element, _LEFT_OUT, position)}
        sha256 = f"{source.sha256([name])}-{found}"
        kept_head(tree, wanted, str(position))
        yield release_of(tree, wanted, sha256, position)
        forget(element)
    if not found:
        position.leave_line()
        raise Unloadable(str(position), "It holds no CodeSystem")


def read_table(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The code systems of a RetrieveValueSetResponse: one for each `codeSystem` that its concepts name.

    They are fragments: such a table says what a set of codes holds. `--url` makes it the whole of one code system.
    """
    position = Position(source.place(name))
    version, title = wanted.version, ""
    listed: dict[str, list[dict[str, Any]]] = {}
    for _, element in elements(source, name, ("Concept", "ValueSet"), position):
        if name_of(element) == "ValueSet":
            version = version or element.get("version") or ""
            title = element.get("displayName") or title
            continue
        code = element.get("code")
        if not code:
            raise Unloadable(str(position), "A concept has no code")
        url = wanted.url or _url_of(element.get("codeSystem") or "", position)
        listed.setdefault(url, []).append({"code": code, "display": element.get("displayName") or ""})
        forget(element)
    position.leave_line()
    for url, concepts in listed.items():
        head = head_of(
            url,
            version,
            "NOS",
            title,
            case_sensitive=True,
            language="fr",
            property=declared(),
            content="complete" if wanted.url else "fragment",
        )
        yield release_of({**head, "concept": concepts}, Wanted(), source.sha256([name]), position)


def _require_short(source: Source, name: str) -> None:
    with source.open(name) as file:
        file.seek(0, 2)
        if file.tell() > _WHOLE_BYTES:
            raise Unloadable(
                source.place(name),
                f"It has more than {_WHOLE_BYTES:,} bytes: in JSON a code system may be of any size",
            )


def _url_of(identifier: str, position: Position) -> str:
    if not identifier:
        raise Unloadable(str(position), "A concept does not say its code system: --url says it")
    return f"urn:oid:{identifier}" if identifier[0].isdigit() else identifier


def _object(element: etree._Element, left_out: frozenset[str], position: Position) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = name_of(child)
        if name in left_out:
            continue
        value = _value(child, name, position)
        if name in _LISTS:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _value(element: etree._Element, name: str, position: Position) -> Any:
    text = element.get("value")
    if text is None:
        return _object(element, frozenset(), position)
    if name in _TRUTHS:
        return text.strip() == "true"
    if name in _NUMBERS:
        if not text.strip().lstrip("-").isdigit():
            raise Unloadable(f"{position.file}, line {element.sourceline or 0:,}", f"{name} is not a number")
        return int(text)
    return text
